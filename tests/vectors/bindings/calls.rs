//! Makes every call of the crate once, as calls.c does.
#![no_std]

use tinycontainer::{data, heartbeat, log, tinyml, Endpoint, Line};

fn log_number(number: i32) {
    let line = Line::new().number(number);
    log(core::str::from_utf8(line.as_bytes()).unwrap_or("?"));
}

#[export_name = "start"]
pub extern "C" fn start() {
    let mut bytes = [0u8; 300];
    let mut read_back = [0u8; 300];
    let mut hash = [0u8; 32];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = place as u8;
    }
    hash.copy_from_slice(&bytes[..32]);
    let endpoint = match Endpoint::open(1) {
        Ok(endpoint) => endpoint,
        Err(_) => return,
    };
    let _ = heartbeat();
    let _ = tinyml::load_section(&endpoint, 0, data::size(), tinyml::KEEP);
    let _ = tinyml::load_kept(&endpoint, &hash);
    let _ = tinyml::input(&endpoint, 1, &bytes);
    let _ = tinyml::input(&endpoint, 2, &bytes[..4]);
    let _ = tinyml::compute(&endpoint, 0x1234);
    let _ = tinyml::select(&endpoint, tinyml::Source::Status, 3, 0x0102_0304);
    log_number(tinyml::output(&endpoint, 2, &mut read_back).map_or(-1, |size| size as i32));
    log_number(i32::from(read_back[299]));
    let _ = tinyml::reset(&endpoint, tinyml::Scope::Model);
    log_number(i32::MIN);
    log_number(i32::MAX);
    log_number(0);
    let _ = endpoint.close();
}

#[export_name = "loop"]
pub extern "C" fn step() -> i32 {
    0
}
