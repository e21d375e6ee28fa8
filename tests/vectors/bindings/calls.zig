//! Makes every call of the file once, as calls.c does.
const tc = @import("tinycontainer.zig");
const tinyml = tc.tinyml;

fn logNumber(number: i32) void {
    var line = tc.Line{};
    line.number(number);
    tc.log(line.slice());
}

var bytes: [300]u8 = undefined;
var read_back: [300]u8 = undefined;

export fn start() void {
    for (&bytes, 0..) |*byte, place| byte.* = @truncate(place);
    const endpoint = tc.Endpoint.open(1) catch return;
    tc.heartbeat() catch {};
    tinyml.loadSection(endpoint, 0, tc.data.size(), tinyml.keep) catch {};
    tinyml.loadKept(endpoint, bytes[0..32]) catch {};
    tinyml.input(endpoint, 1, &bytes) catch {};
    tinyml.input(endpoint, 2, bytes[0..4]) catch {};
    tinyml.compute(endpoint, 0x1234) catch {};
    tinyml.select(endpoint, .status, 3, 0x01020304) catch {};
    const size = tinyml.output(endpoint, 2, &read_back) catch 0;
    logNumber(@intCast(size));
    logNumber(read_back[299]);
    tinyml.reset(endpoint, .model) catch {};
    logNumber(-2147483648);
    logNumber(2147483647);
    logNumber(0);
    endpoint.close() catch {};
}

export fn loop() i32 {
    return 0;
}
