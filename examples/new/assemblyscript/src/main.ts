// Shows the temperature every second, and raises an alarm when it becomes too hot.
import * as tc from "./tinycontainer";

// Endpoint ids of container.toml.
const CONSOLE: u32 = 1;
const THERMOMETER: u32 = 2;
const ALARMS: u32 = 3;

const TOO_HOT: i32 = 30;

let console: i32 = 0;
let thermometer: i32 = 0;
let alarms: i32 = 0;
let hot: bool = false;

export function start(): void {
  console = tc.open(CONSOLE);
  thermometer = tc.open(THERMOMETER);
  tc.log("ready");
}

function raiseAlarm(): void {
  // The container that takes alarms may be loaded later than this one.
  if (alarms <= 0) alarms = tc.open(ALARMS);
  if (alarms <= 0 || tc.line.begin().text("too hot").write(alarms) < 0) {
    tc.log("nobody takes alarms");
    alarms = 0;
  }
}

function step(): i32 {
  const degrees = tc.readNumber(thermometer);
  if (degrees == tc.NO_NUMBER) return 0; // the thermometer has not measured yet
  tc.line.begin().number(degrees).text(" degrees").write(console);
  if (degrees > TOO_HOT && !hot) raiseAlarm();
  hot = degrees > TOO_HOT;
  return 0;
}

export { step as loop };

export function stop(): void {
  tc.log("stopped");
}

// A board's runtime then takes the memory that is used, and not a whole page.
export { __heap_base, __data_end };
