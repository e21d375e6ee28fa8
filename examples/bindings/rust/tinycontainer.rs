//! System calls of a TinyContainer, for containers in Rust.
//!
//! A container exports `loop`, and optionally `start` and `stop`:
//!
//! ```ignore
//! #[export_name = "start"]
//! pub extern "C" fn start() {}          // once, when the container is started
//! #[export_name = "loop"]
//! pub extern "C" fn step() -> i32 { 0 } // every period; a non-zero value ends the start
//! #[export_name = "stop"]
//! pub extern "C" fn stop() {}           // once, when the container stops
//! ```
//!
//! No call waits: a read gives 0 bytes if there is no data yet. The owner of the device sees why a
//! call was refused; the container only sees an error.
#![no_std]

use core::cell::Cell;

/// Longest read or write, in bytes.
pub const TRANSFER_BYTES: usize = 255;

/// Longest line of the log, in bytes.
pub const LOG_LINE_BYTES: usize = 255;

mod raw {
    #[link(wasm_import_module = "env")]
    extern "C" {
        pub fn heartbeat() -> i32;
        pub fn open(endpoint_id: u32) -> i32;
        pub fn close(fd: i32) -> i32;
        pub fn read(fd: i32, buffer: *mut u8, size: u32) -> i32;
        pub fn write(fd: i32, buffer: *const u8, size: u32) -> i32;
        pub fn logger(line: *const u8);
        pub fn data_size() -> u32;
        pub fn data_read(offset: u32, buffer: *mut u8, size: u32) -> u32;
    }
}

/// A call that was refused: -1 by the device, another negative number by the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub i32);

fn check(returned: i32) -> Result<usize, Refused> {
    if returned < 0 {
        Err(Refused(returned))
    } else {
        Ok(returned as usize)
    }
}

/// Feed the watchdog. After the first heartbeat, every later loop needs one.
pub fn heartbeat() -> Result<(), Refused> {
    check(unsafe { raw::heartbeat() }).map(|_| ())
}

/// Write a line to the device's log. A longer one is cut.
pub fn log(line: &str) {
    let mut buffer = [0; LOG_LINE_BYTES + 1];
    let length = line.len().min(LOG_LINE_BYTES);
    buffer[..length].copy_from_slice(&line.as_bytes()[..length]);
    unsafe { raw::logger(buffer.as_ptr()) }
}

/// An open endpoint. Dropping it leaves it open: the device closes it at the container's stop.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint(i32);

impl Endpoint {
    /// Open an endpoint of the container's metadata.
    pub fn open(endpoint_id: u32) -> Result<Endpoint, Refused> {
        check(unsafe { raw::open(endpoint_id) }).map(|fd| Endpoint(fd as i32))
    }

    /// Close the descriptor.
    pub fn close(self) -> Result<(), Refused> {
        check(unsafe { raw::close(self.0) }).map(|_| ())
    }

    /// Read up to 255 bytes; how many were read.
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize, Refused> {
        let size = buffer.len().min(TRANSFER_BYTES) as u32;
        check(unsafe { raw::read(self.0, buffer.as_mut_ptr(), size) })
    }

    /// Read one little-endian number, as a sensor gives it; `None` if there is no data yet.
    pub fn read_number(&self) -> Result<Option<i32>, Refused> {
        let mut bytes = [0; 4];
        let length = self.read(&mut bytes)?;
        Ok(if length == bytes.len() { Some(i32::from_le_bytes(bytes)) } else { None })
    }

    /// Write up to 255 bytes; how many were written.
    pub fn write(&self, bytes: &[u8]) -> Result<usize, Refused> {
        let size = bytes.len().min(TRANSFER_BYTES) as u32;
        check(unsafe { raw::write(self.0, bytes.as_ptr(), size) })
    }
}

/// The container's own data section. The C firmware does not offer it.
pub mod data {
    use super::raw;

    /// Its length in bytes.
    pub fn size() -> usize {
        unsafe { raw::data_size() as usize }
    }

    /// Copy from it; how many bytes were copied.
    pub fn read(offset: usize, buffer: &mut [u8]) -> usize {
        let size = buffer.len() as u32;
        unsafe { raw::data_read(offset as u32, buffer.as_mut_ptr(), size) as usize }
    }
}

/// A value that lives from loop to loop, in a `static`.
///
/// Only one hook of a container runs at a time, and nothing interrupts it to run another.
pub struct Kept<T: Copy>(Cell<T>);

unsafe impl<T: Copy> Sync for Kept<T> {}

impl<T: Copy> Kept<T> {
    /// Begin with a value.
    pub const fn new(value: T) -> Kept<T> {
        Kept(Cell::new(value))
    }

    /// The value.
    pub fn get(&self) -> T {
        self.0.get()
    }

    /// Replace the value.
    pub fn set(&self, value: T) {
        self.0.set(value)
    }
}

/// A line that is put together without `core::fmt`, which would take several kilobytes of code.
pub struct Line {
    bytes: [u8; TRANSFER_BYTES],
    length: usize,
}

impl Line {
    /// An empty line.
    pub const fn new() -> Line {
        Line { bytes: [0; TRANSFER_BYTES], length: 0 }
    }

    /// Add text. What does not fit is left out.
    pub fn text(mut self, text: &str) -> Line {
        for &byte in text.as_bytes() {
            self.push(byte);
        }
        self
    }

    /// Add a number in decimal digits.
    pub fn number(mut self, number: i32) -> Line {
        let mut digits = [0; 10];
        let mut rest = number.unsigned_abs();
        let mut count = 0;
        while rest > 0 || count == 0 {
            if let Some(digit) = digits.get_mut(count) {
                *digit = b'0' + (rest % 10) as u8;
            }
            rest /= 10;
            count += 1;
        }
        if number < 0 {
            self.push(b'-');
        }
        for &digit in digits.iter().take(count).rev() {
            self.push(digit);
        }
        self
    }

    /// The line.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&[])
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }
}

impl Default for Line {
    fn default() -> Line {
        Line::new()
    }
}

/// Inference: an endpoint with the driver `tinyml`, opened with direction `both`.
///
/// The protocol is in `specs/tinyml.md`. The sequence of calls: `load_section`, then for each
/// inference `input` and `output`. Errors are `Refused` with one of the codes below. In wall time
/// `output` is refused with `BUSY` until it is ready: call `read` in a later loop.
pub mod tinyml {
    use super::{data, Endpoint, Refused, TRANSFER_BYTES};

    pub const INVALID_ARGUMENT: i32 = -1;
    pub const INVALID_ENCODING: i32 = -2;
    pub const MISSING_MEMORY: i32 = -3;
    pub const BUSY: i32 = -4;
    pub const RUNTIME_ERROR: i32 = -5;
    pub const UNSUPPORTED_OPERATION: i32 = -6;
    pub const TOO_LARGE: i32 = -7;
    pub const NOT_FOUND: i32 = -8;
    pub const TIMEOUT: i32 = -9;
    pub const SECURITY: i32 = -10;
    pub const UNKNOWN: i32 = -11;
    pub const INVALID_STATE: i32 = -12;
    pub const QUOTA: i32 = -13;

    /// Keep the model when the endpoint is closed.
    pub const KEEP: u8 = 2;

    const ENCODING_TFLITE: u8 = 4;
    const ANY_TYPE: u8 = 255;

    /// What `read` gives after `select`.
    #[derive(Clone, Copy)]
    pub enum Source {
        Output = 0,
        InputInfo = 1,
        OutputInfo = 2,
        Status = 3,
        LastError = 4,
    }

    /// What `reset` forgets.
    #[derive(Clone, Copy)]
    pub enum Scope {
        Inputs = 0,
        Model = 1,
    }

    /// LOAD: announce a model of so many bytes. Send its bytes with `model_data`.
    pub fn begin_model(endpoint: &Endpoint, total: u32, flags: u8) -> Result<(), Refused> {
        let mut frame = [0x10, ENCODING_TFLITE, flags, 0, 0, 0, 0, 0];
        frame[4..].copy_from_slice(&total.to_le_bytes());
        send(endpoint, &frame)
    }

    /// MDATA: send up to 254 bytes of the model. The call with the last bytes gives the verdict.
    pub fn model_data(endpoint: &Endpoint, bytes: &[u8]) -> Result<(), Refused> {
        let mut frame = [0; TRANSFER_BYTES];
        frame[0] = 0x11;
        let end = 1 + bytes.len();
        match frame.get_mut(1..end) {
            Some(place) => place.copy_from_slice(bytes),
            None => return Err(Refused(INVALID_ARGUMENT)),
        }
        send(endpoint, &frame[..end])
    }

    /// LOAD and MDATA: send a model that is in the container's data section.
    pub fn load_section(
        endpoint: &Endpoint,
        offset: usize,
        size: usize,
        flags: u8,
    ) -> Result<(), Refused> {
        begin_model(endpoint, size as u32, flags)?;
        let mut sent = 0;
        while sent < size {
            let mut part = [0; TRANSFER_BYTES - 1];
            let wanted = (size - sent).min(part.len());
            if data::read(offset + sent, &mut part[..wanted]) != wanted {
                return Err(Refused(INVALID_ARGUMENT));
            }
            model_data(endpoint, &part[..wanted])?;
            sent += wanted;
        }
        Ok(())
    }

    /// LOADH: bind a model that this container loaded before with `KEEP`, by its SHA-256.
    pub fn load_kept(endpoint: &Endpoint, hash: &[u8; 32]) -> Result<(), Refused> {
        let mut frame = [0; 36];
        frame[0] = 0x12;
        frame[4..].copy_from_slice(hash);
        send(endpoint, &frame)
    }

    /// INPUT and IDATA: send all bytes of an input, in the model's own type and shape.
    pub fn input(endpoint: &Endpoint, index: u8, bytes: &[u8]) -> Result<(), Refused> {
        let mut frame = [0; TRANSFER_BYTES];
        frame[..4].copy_from_slice(&[0x20, index, ANY_TYPE, 0]);
        frame[4..8].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
        let mut head = 8;
        let mut rest = bytes;
        loop {
            let (part, after) = rest.split_at(rest.len().min(TRANSFER_BYTES - head));
            frame[head..head + part.len()].copy_from_slice(part);
            send(endpoint, &frame[..head + part.len()])?;
            if after.is_empty() {
                return Ok(());
            }
            rest = after;
            frame[0] = 0x21;
            head = 1;
        }
    }

    /// COMPUTE: begin an inference. A timeout of 0 means the quota. The first read also computes.
    pub fn compute(endpoint: &Endpoint, timeout_ms: u16) -> Result<(), Refused> {
        let [low, high] = timeout_ms.to_le_bytes();
        send(endpoint, &[0x30, 0, low, high])
    }

    /// SELECT: choose the source of the next `read` calls.
    pub fn select(endpoint: &Endpoint, what: Source, index: u8, offset: u32) -> Result<(), Refused> {
        let mut frame = [0x40, what as u8, index, 0, 0, 0, 0, 0];
        frame[4..].copy_from_slice(&offset.to_le_bytes());
        send(endpoint, &frame)
    }

    /// Read from the selected source; how many bytes were read.
    pub fn read(endpoint: &Endpoint, bytes: &mut [u8]) -> Result<usize, Refused> {
        let mut done = 0;
        while done < bytes.len() {
            let given = endpoint.read(&mut bytes[done..])?;
            if given == 0 {
                break;
            }
            done += given;
        }
        Ok(done)
    }

    /// SELECT and read: read an output, and compute it first if necessary.
    pub fn output(endpoint: &Endpoint, index: u8, bytes: &mut [u8]) -> Result<usize, Refused> {
        select(endpoint, Source::Output, index, 0)?;
        read(endpoint, bytes)
    }

    /// RESET: forget the inputs, or the model (also if it was kept).
    pub fn reset(endpoint: &Endpoint, scope: Scope) -> Result<(), Refused> {
        send(endpoint, &[0x7f, scope as u8])
    }

    fn send(endpoint: &Endpoint, frame: &[u8]) -> Result<(), Refused> {
        let taken = endpoint.write(frame)?;
        if taken == frame.len() {
            Ok(())
        } else {
            Err(Refused(UNKNOWN))
        }
    }
}

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}
