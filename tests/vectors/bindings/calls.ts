// Makes every call of the file once, as calls.c does.
import * as tc from "./tinycontainer";

const BYTES: usize = memory.data(300);
const READ_BACK: usize = memory.data(300);

function logNumber(number: i32): void {
  tc.line.begin().number(number).log();
}

export function start(): void {
  for (let each = 0; each < 300; each++) store<u8>(BYTES + each, <u8>each);
  const fd = tc.open(1);
  tc.heartbeat();
  tc.loadSection(fd, 0, tc.dataSize(), tc.TINYML_KEEP);
  tc.loadKept(fd, BYTES);
  tc.input(fd, 1, BYTES, 300);
  tc.input(fd, 2, BYTES, 4);
  tc.compute(fd, 0x1234);
  tc.select(fd, tc.TinyMLSource.Status, 3, 0x01020304);
  logNumber(tc.output(fd, 2, READ_BACK, 300));
  logNumber(load<u8>(READ_BACK + 299));
  tc.reset(fd, tc.TinyMLScope.Model);
  logNumber(i32.MIN_VALUE);
  logNumber(i32.MAX_VALUE);
  logNumber(0);
  tc.close(fd);
}

function step(): i32 {
  return 0;
}

export { step as loop };
