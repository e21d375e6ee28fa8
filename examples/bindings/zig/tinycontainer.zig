//! System calls of a TinyContainer, for containers in Zig.
//!
//! A container exports `loop`, and optionally `start` and `stop`:
//!
//!     export fn start() void {}            once, when the container is started
//!     export fn loop() i32 { return 0; }   every period; a non-zero value ends the start
//!     export fn stop() void {}             once, when the container stops
//!
//! No call waits: a read gives 0 bytes if there is no data yet. The owner of the device sees why a
//! call was refused; the container only sees an error.

/// Longest read or write, in bytes.
pub const transfer_bytes = 255;

/// Longest line of the log, in bytes.
pub const log_line_bytes = 255;

/// The calls as the device offers them. They return a negative number if they were refused.
pub const raw = struct {
    pub extern "env" fn heartbeat() i32;
    pub extern "env" fn open(endpoint_id: u32) i32;
    pub extern "env" fn close(fd: i32) i32;
    pub extern "env" fn read(fd: i32, buffer: [*]u8, size: u32) i32;
    pub extern "env" fn write(fd: i32, buffer: [*]const u8, size: u32) i32;
    pub extern "env" fn logger(line: [*]const u8) void;
    pub extern "env" fn data_size() u32;
    pub extern "env" fn data_read(offset: u32, buffer: [*]u8, size: u32) u32;
};

/// A call was refused, by the device or by the driver.
pub const Refused = error{Refused};

fn check(returned: i32) Refused!usize {
    if (returned < 0) return error.Refused;
    return @intCast(returned);
}

/// Feed the watchdog. After the first heartbeat, every later loop needs one.
pub fn heartbeat() Refused!void {
    _ = try check(raw.heartbeat());
}

/// Write a line to the device's log. A longer one is cut.
pub fn log(line: []const u8) void {
    var buffer: [log_line_bytes + 1]u8 = undefined;
    const length = @min(line.len, log_line_bytes);
    @memcpy(buffer[0..length], line[0..length]);
    buffer[length] = 0;
    raw.logger(&buffer);
}

/// An open endpoint. The device closes it at the container's stop, if nobody did before.
pub const Endpoint = struct {
    fd: i32,

    /// Open an endpoint of the container's metadata.
    pub fn open(endpoint_id: u32) Refused!Endpoint {
        return .{ .fd = @intCast(try check(raw.open(endpoint_id))) };
    }

    /// Close the descriptor.
    pub fn close(self: Endpoint) Refused!void {
        _ = try check(raw.close(self.fd));
    }

    /// Read up to 255 bytes; how many were read.
    pub fn read(self: Endpoint, buffer: []u8) Refused!usize {
        return check(raw.read(self.fd, buffer.ptr, @min(buffer.len, transfer_bytes)));
    }

    /// Read one little-endian number, as a sensor gives it; null if there is no data yet.
    pub fn readNumber(self: Endpoint) Refused!?i32 {
        var number: i32 = 0;
        const length = try check(raw.read(self.fd, @ptrCast(&number), @sizeOf(i32)));
        return if (length == @sizeOf(i32)) number else null;
    }

    /// Write up to 255 bytes; how many were written.
    pub fn write(self: Endpoint, bytes: []const u8) Refused!usize {
        return check(raw.write(self.fd, bytes.ptr, @min(bytes.len, transfer_bytes)));
    }
};

/// The container's own data section. The C firmware does not offer it.
pub const data = struct {
    /// Its length in bytes.
    pub fn size() usize {
        return raw.data_size();
    }

    /// Copy from it; how many bytes were copied.
    pub fn read(offset: usize, buffer: []u8) usize {
        return raw.data_read(@intCast(offset), buffer.ptr, @intCast(buffer.len));
    }
};

/// A line that is put together without `std.fmt`, which would take kilobytes of code.
pub const Line = struct {
    bytes: [transfer_bytes]u8 = undefined,
    length: usize = 0,

    /// Add text. What does not fit is left out.
    pub fn text(self: *Line, added: []const u8) void {
        const size = @min(added.len, transfer_bytes - self.length);
        @memcpy(self.bytes[self.length..][0..size], added[0..size]);
        self.length += size;
    }

    /// Add a number in decimal digits.
    pub fn number(self: *Line, added: i32) void {
        var digits: [10]u8 = undefined;
        var begin: usize = digits.len;
        var rest: u32 = @abs(added);
        while (true) {
            begin -= 1;
            digits[begin] = '0' + @as(u8, @intCast(rest % 10));
            rest /= 10;
            if (rest == 0) break;
        }
        if (added < 0) self.text("-");
        self.text(digits[begin..]);
    }

    /// The line.
    pub fn slice(self: *const Line) []const u8 {
        return self.bytes[0..self.length];
    }
};

/// Inference: an endpoint with the driver `tinyml`, opened with direction `both`.
///
/// The protocol is in `specs/tinyml.md`. The sequence of calls: `loadSection`, then for each
/// inference `input` and `output`. In wall time `output` fails with `Busy` until it is ready: call
/// `read` in a later loop.
pub const tinyml = struct {
    pub const Error = error{
        InvalidArgument,
        InvalidEncoding,
        MissingMemory,
        Busy,
        RuntimeError,
        UnsupportedOperation,
        TooLarge,
        NotFound,
        Timeout,
        Security,
        Unknown,
        InvalidState,
        Quota,
    };

    /// What `read` gives after `select`.
    pub const Source = enum(u8) { output, input_info, output_info, status, last_error };

    /// What `reset` forgets.
    pub const Scope = enum(u8) { inputs, model };

    /// Keep the model when the endpoint is closed.
    pub const keep: u8 = 2;

    const encoding_tflite: u8 = 4;
    const any_type: u8 = 255;

    /// LOAD: announce a model of so many bytes. Send its bytes with `modelData`.
    pub fn beginModel(endpoint: Endpoint, total: u32, flags: u8) Error!void {
        var frame = [_]u8{ 0x10, encoding_tflite, flags, 0, 0, 0, 0, 0 };
        putNumber(frame[4..8], total);
        try send(endpoint, &frame);
    }

    /// MDATA: send up to 254 bytes of the model. The call with the last bytes gives the verdict.
    pub fn modelData(endpoint: Endpoint, bytes: []const u8) Error!void {
        var frame: [transfer_bytes]u8 = undefined;
        if (bytes.len >= frame.len) return error.InvalidArgument;
        frame[0] = 0x11;
        @memcpy(frame[1..][0..bytes.len], bytes);
        try send(endpoint, frame[0 .. 1 + bytes.len]);
    }

    /// LOAD and MDATA: send a model that is in the container's data section.
    pub fn loadSection(endpoint: Endpoint, offset: usize, size: usize, flags: u8) Error!void {
        try beginModel(endpoint, @intCast(size), flags);
        var sent: usize = 0;
        while (sent < size) {
            var part: [transfer_bytes - 1]u8 = undefined;
            const wanted = @min(size - sent, part.len);
            if (data.read(offset + sent, part[0..wanted]) != wanted) return error.InvalidArgument;
            try modelData(endpoint, part[0..wanted]);
            sent += wanted;
        }
    }

    /// LOADH: bind a model that this container loaded before with `keep`, by its SHA-256.
    pub fn loadKept(endpoint: Endpoint, hash: *const [32]u8) Error!void {
        var frame: [36]u8 = undefined;
        frame[0..4].* = .{ 0x12, 0, 0, 0 };
        @memcpy(frame[4..], hash);
        try send(endpoint, &frame);
    }

    /// INPUT and IDATA: send all bytes of an input, in the model's own type and shape.
    pub fn input(endpoint: Endpoint, index: u8, bytes: []const u8) Error!void {
        var frame: [transfer_bytes]u8 = undefined;
        frame[0..4].* = .{ 0x20, index, any_type, 0 };
        putNumber(frame[4..8], @intCast(bytes.len));
        var head: usize = 8;
        var rest = bytes;
        while (true) {
            const size = @min(rest.len, frame.len - head);
            @memcpy(frame[head..][0..size], rest[0..size]);
            try send(endpoint, frame[0 .. head + size]);
            rest = rest[size..];
            if (rest.len == 0) return;
            frame[0] = 0x21;
            head = 1;
        }
    }

    /// COMPUTE: begin an inference. A timeout of 0 means the quota. The first read also computes.
    pub fn compute(endpoint: Endpoint, timeout_ms: u16) Error!void {
        try send(endpoint, &.{ 0x30, 0, @truncate(timeout_ms), @intCast(timeout_ms >> 8) });
    }

    /// SELECT: choose the source of the next `read` calls.
    pub fn select(endpoint: Endpoint, what: Source, index: u8, offset: u32) Error!void {
        var frame = [_]u8{ 0x40, @intFromEnum(what), index, 0, 0, 0, 0, 0 };
        putNumber(frame[4..8], offset);
        try send(endpoint, &frame);
    }

    /// Read from the selected source; how many bytes were read.
    pub fn read(endpoint: Endpoint, bytes: []u8) Error!usize {
        var done: usize = 0;
        while (done < bytes.len) {
            const size = @min(bytes.len - done, transfer_bytes);
            const given = try checkCode(raw.read(endpoint.fd, bytes[done..].ptr, @intCast(size)));
            if (given == 0) break;
            done += given;
        }
        return done;
    }

    /// SELECT and read: read an output, and compute it first if necessary.
    pub fn output(endpoint: Endpoint, index: u8, bytes: []u8) Error!usize {
        try select(endpoint, .output, index, 0);
        return read(endpoint, bytes);
    }

    /// RESET: forget the inputs, or the model (also if it was kept).
    pub fn reset(endpoint: Endpoint, scope: Scope) Error!void {
        try send(endpoint, &.{ 0x7f, @intFromEnum(scope) });
    }

    fn send(endpoint: Endpoint, frame: []const u8) Error!void {
        const taken = try checkCode(raw.write(endpoint.fd, frame.ptr, @intCast(frame.len)));
        if (taken != frame.len) return error.Unknown;
    }

    fn putNumber(to: *[4]u8, number: u32) void {
        for (to, 0..) |*byte, place| byte.* = @truncate(number >> @intCast(8 * place));
    }

    fn checkCode(returned: i32) Error!usize {
        return switch (returned) {
            -1 => error.InvalidArgument,
            -2 => error.InvalidEncoding,
            -3 => error.MissingMemory,
            -4 => error.Busy,
            -5 => error.RuntimeError,
            -6 => error.UnsupportedOperation,
            -7 => error.TooLarge,
            -8 => error.NotFound,
            -9 => error.Timeout,
            -10 => error.Security,
            -12 => error.InvalidState,
            -13 => error.Quota,
            else => if (returned < 0) error.Unknown else @intCast(returned),
        };
    }
};
