//! Shows the temperature every second, and raises an alarm when it becomes too hot.
#![no_std]

use tinycontainer::{log, Endpoint, Kept, Line, Refused};

// Endpoint ids of container.toml.
const CONSOLE: u32 = 1;
const THERMOMETER: u32 = 2;
const ALARMS: u32 = 3;

const TOO_HOT: i32 = 30;

static OPENED: Kept<Option<(Endpoint, Endpoint)>> = Kept::new(None);
static OPENED_ALARMS: Kept<Option<Endpoint>> = Kept::new(None);
static HOT: Kept<bool> = Kept::new(false);

fn open() -> Result<(), Refused> {
    OPENED.set(Some((Endpoint::open(CONSOLE)?, Endpoint::open(THERMOMETER)?)));
    Ok(())
}

fn raise_alarm() -> Result<(), Refused> {
    let alarms = match OPENED_ALARMS.get() {
        Some(alarms) => alarms,
        // The container that takes alarms may be loaded later than this one.
        None => Endpoint::open(ALARMS)?,
    };
    OPENED_ALARMS.set(None);
    alarms.write(b"too hot")?;
    OPENED_ALARMS.set(Some(alarms));
    Ok(())
}

fn measure(console: Endpoint, thermometer: Endpoint) -> Result<(), Refused> {
    let degrees = match thermometer.read_number()? {
        Some(degrees) => degrees,
        None => return Ok(()), // the thermometer has not measured yet
    };
    console.write(Line::new().number(degrees).text(" degrees").as_bytes())?;
    if degrees > TOO_HOT && !HOT.get() && raise_alarm().is_err() {
        log("nobody takes alarms");
    }
    HOT.set(degrees > TOO_HOT);
    Ok(())
}

#[export_name = "start"]
pub extern "C" fn start() {
    log(if open().is_ok() { "ready" } else { "an endpoint was refused" });
}

#[export_name = "loop"]
pub extern "C" fn step() -> i32 {
    match OPENED.get() {
        Some((console, thermometer)) => measure(console, thermometer).is_err() as i32,
        None => 1,
    }
}

#[export_name = "stop"]
pub extern "C" fn stop() {
    log("stopped");
}
