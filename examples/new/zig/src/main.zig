//! Shows the temperature every second, and raises an alarm when it becomes too hot.
const tc = @import("tinycontainer.zig");

/// Endpoint ids of container.toml.
const console_id = 1;
const thermometer_id = 2;
const alarms_id = 3;

const too_hot = 30;

var console: tc.Endpoint = undefined;
var thermometer: tc.Endpoint = undefined;
var alarms: ?tc.Endpoint = null;
var hot = false;

fn open() tc.Refused!void {
    console = try tc.Endpoint.open(console_id);
    thermometer = try tc.Endpoint.open(thermometer_id);
}

fn show(degrees: i32) tc.Refused!void {
    var line = tc.Line{};
    line.number(degrees);
    line.text(" degrees");
    _ = try console.write(line.slice());
}

fn raiseAlarm() tc.Refused!void {
    // The container that takes alarms may be loaded later than this one.
    const opened = alarms orelse try tc.Endpoint.open(alarms_id);
    alarms = null;
    _ = try opened.write("too hot");
    alarms = opened;
}

fn measure() tc.Refused!void {
    // Without a number, the thermometer has not measured yet.
    const degrees = try thermometer.readNumber() orelse return;
    try show(degrees);
    if (degrees > too_hot and !hot) {
        raiseAlarm() catch tc.log("nobody takes alarms");
    }
    hot = degrees > too_hot;
}

export fn start() void {
    if (open()) tc.log("ready") else |_| tc.log("an endpoint was refused");
}

export fn loop() i32 {
    measure() catch return 1;
    return 0;
}

export fn stop() void {
    tc.log("stopped");
}
