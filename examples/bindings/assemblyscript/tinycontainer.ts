// System calls of a TinyContainer, for containers in AssemblyScript.
//
// A container exports loop, and optionally start and stop:
//
//     export function start(): void {}     once, when the container is started
//     function step(): i32 { return 0; }   every period; a non-zero value ends the start
//     export { step as loop };
//     export function stop(): void {}      once, when the container stops
//
// A refused call returns a negative number: -1 by the device, another one by the driver. The owner
// of the device sees the reason. No call waits: a read returns 0 if there is no data yet.
//
// Nothing here allocates memory. A container that makes strings or arrays in its loop does, and the
// runtime "stub" never gives memory back: make them once, in start.

/** Longest read or write, in bytes. */
export const TRANSFER_BYTES: i32 = 255;

/** Feed the watchdog. After the first heartbeat, every later loop needs one. Returns 0 or -1. */
@external("env", "heartbeat")
export declare function heartbeat(): i32;

/** Open an endpoint of the container's metadata. Returns a descriptor above 0. */
@external("env", "open")
export declare function open(endpoint: u32): i32;

/** Close a descriptor. */
@external("env", "close")
export declare function close(fd: i32): i32;

/** Read up to 255 bytes to a pointer. Returns how many were read. */
@external("env", "read")
export declare function read(fd: i32, pointer: usize, size: u32): i32;

/** Write up to 255 bytes from a pointer. Returns how many were written. */
@external("env", "write")
export declare function write(fd: i32, pointer: usize, size: u32): i32;

@external("env", "logger")
declare function logger(pointer: usize): void;

/** Length of the container's own data section. Not offered by the C firmware. */
@external("env", "data_size")
export declare function dataSize(): u32;

/** Copy from the data section to a pointer. Returns how many bytes were copied. */
@external("env", "data_read")
export declare function dataRead(offset: u32, pointer: usize, size: u32): u32;

const NUMBER: usize = memory.data(4);

/** No number has come yet, or the read was refused; no sensor gives this one. */
export const NO_NUMBER: i32 = i32.MIN_VALUE;

/** Read one little-endian number, as a sensor gives it. */
export function readNumber(fd: i32): i32 {
  return read(fd, NUMBER, 4) == 4 ? load<i32>(NUMBER) : NO_NUMBER;
}

const LINE: usize = memory.data(256);
let lineLength: i32 = 0;

/** The one line that is put together here: `line.begin().text("at ").number(5).write(fd)`. */
export class Line {
  /** Begin again. */
  begin(): Line {
    lineLength = 0;
    return this;
  }

  /** Add text. What does not fit is left out. */
  text(added: string): Line {
    for (let index = 0; index < added.length; index++) {
      this.push(<u8>added.charCodeAt(index));
    }
    return this;
  }

  /** Add a number in decimal digits. */
  number(added: i32): Line {
    let rest: u32 = added < 0 ? 0 - <u32>added : <u32>added;
    let unit: u32 = 1;
    while (rest / unit >= 10) unit *= 10;
    if (added < 0) this.push(0x2d);
    for (; unit > 0; unit /= 10) {
      this.push(<u8>(0x30 + ((rest / unit) % 10)));
    }
    return this;
  }

  /** Write the line to a descriptor. Returns how many bytes were written. */
  write(fd: i32): i32 {
    return write(fd, LINE, lineLength);
  }

  /** Write the line to the device's log. */
  log(): void {
    store<u8>(LINE + lineLength, 0);
    logger(LINE);
  }

  private push(byte: u8): void {
    if (lineLength < TRANSFER_BYTES) {
      store<u8>(LINE + lineLength, byte);
      lineLength++;
    }
  }
}

/** The line. It is not allocated: its one value is the place of its bytes. */
export const line = changetype<Line>(LINE);

/** Write a line to the device's log. */
export function log(text: string): void {
  line.begin().text(text).log();
}

// Inference: an endpoint with the driver tinyml, opened with direction both. The protocol is in
// specs/tinyml.md. The sequence of calls: loadSection, then for each inference input and output.
// All of them return 0 or more for success, otherwise a negative error. In wall time output returns
// TinyMLError.Busy until it is ready: call readSelected in a later loop.

export enum TinyMLError {
  InvalidArgument = -1,
  InvalidEncoding = -2,
  MissingMemory = -3,
  Busy = -4,
  RuntimeError = -5,
  UnsupportedOperation = -6,
  TooLarge = -7,
  NotFound = -8,
  Timeout = -9,
  Security = -10,
  Unknown = -11,
  InvalidState = -12,
  Quota = -13,
}

export enum TinyMLSource {
  Output,
  InputInfo,
  OutputInfo,
  Status,
  LastError,
}

export enum TinyMLScope {
  Inputs,
  Model,
}

/** Keep the model when the endpoint is closed. */
export const TINYML_KEEP: u8 = 2;

const FRAME: usize = memory.data(256);

function send(fd: i32, size: i32): i32 {
  const taken = write(fd, FRAME, size);
  return taken == size ? 0 : taken < 0 ? taken : TinyMLError.Unknown;
}

/** LOAD: announce a model of so many bytes. Send its bytes with modelData. */
export function beginModel(fd: i32, total: u32, flags: u8): i32 {
  store<u32>(FRAME, 0x0410 | (<u32>flags << 16));
  store<u32>(FRAME + 4, total);
  return send(fd, 8);
}

/** MDATA: send up to 254 bytes of the model. The call with the last bytes returns the verdict. */
export function modelData(fd: i32, pointer: usize, size: i32): i32 {
  if (size < 0 || size >= TRANSFER_BYTES) return TinyMLError.InvalidArgument;
  store<u8>(FRAME, 0x11);
  memory.copy(FRAME + 1, pointer, size);
  return send(fd, size + 1);
}

/** LOAD and MDATA: send a model that is in the container's data section. */
export function loadSection(fd: i32, offset: u32, size: u32, flags: u8): i32 {
  let error = beginModel(fd, size, flags);
  while (error == 0 && size > 0) {
    const part = min<u32>(size, TRANSFER_BYTES - 1);
    if (dataRead(offset, FRAME + 1, part) != part) return TinyMLError.InvalidArgument;
    store<u8>(FRAME, 0x11);
    error = send(fd, part + 1);
    offset += part;
    size -= part;
  }
  return error;
}

/** LOADH: bind a model that this container loaded before with TINYML_KEEP, by its SHA-256. */
export function loadKept(fd: i32, hash: usize): i32 {
  store<u32>(FRAME, 0x12);
  memory.copy(FRAME + 4, hash, 32);
  return send(fd, 36);
}

/** INPUT and IDATA: send all bytes of an input, in the model's own type and shape. */
export function input(fd: i32, index: u8, pointer: usize, size: u32): i32 {
  store<u32>(FRAME, 0xff0020 | (<u32>index << 8));
  store<u32>(FRAME + 4, size);
  let head: u32 = 8;
  let error: i32;
  do {
    const part = min<u32>(size, TRANSFER_BYTES - head);
    memory.copy(FRAME + head, pointer, part);
    error = send(fd, head + part);
    pointer += part;
    size -= part;
    store<u8>(FRAME, 0x21);
    head = 1;
  } while (error == 0 && size > 0);
  return error;
}

/** COMPUTE: begin an inference. A timeout of 0 means the quota. The first read also computes. */
export function compute(fd: i32, timeoutMs: u16): i32 {
  store<u32>(FRAME, 0x30 | (<u32>timeoutMs << 16));
  return send(fd, 4);
}

/** SELECT: choose the source of the next readSelected calls. */
export function select(fd: i32, what: TinyMLSource, index: u8, offset: u32): i32 {
  store<u32>(FRAME, 0x40 | (<u32>what << 8) | (<u32>index << 16));
  store<u32>(FRAME + 4, offset);
  return send(fd, 8);
}

/** Read from the selected source to a pointer. Returns how many bytes were read. */
export function readSelected(fd: i32, pointer: usize, size: i32): i32 {
  let done = 0;
  while (done < size) {
    const given = read(fd, pointer + done, min<i32>(size - done, TRANSFER_BYTES));
    if (given < 0) return given;
    if (given == 0) break;
    done += given;
  }
  return done;
}

/** SELECT and read: read an output, and compute it first if necessary. */
export function output(fd: i32, index: u8, pointer: usize, size: i32): i32 {
  const error = select(fd, TinyMLSource.Output, index, 0);
  return error < 0 ? error : readSelected(fd, pointer, size);
}

/** RESET: forget the inputs, or the model (also if it was kept). */
export function reset(fd: i32, scope: TinyMLScope): i32 {
  store<u16>(FRAME, <u16>(0x7f | (<u32>scope << 8)));
  return send(fd, 2);
}
