"""Tests of the container. `pytest` runs them, in virtual time."""


def test_it_shows_the_temperature(tinycontainer_device):
    device = tinycontainer_device().start()
    device.expect_console("21 degrees", within_ms=1000)


def test_heat_raises_one_alarm(tinycontainer_device):
    device = tinycontainer_device()
    device.sensor("temperature").set([25]).set([35], at_ms=1500)
    alarms = device.pipe(3)
    device.start()
    device.run(for_ms=5000)
    assert alarms.received == b"too hot"


def test_it_goes_on_where_nobody_takes_alarms(tinycontainer_device):
    device = tinycontainer_device()
    device.sensor("temperature").set([35])
    device.start()
    device.expect_refused(call="open", reason="peer-missing", within_ms=1500)
    device.expect_log("nobody takes alarms", within_ms=100)
    device.run(for_ms=2000)
    assert device.state == "running"


def test_it_says_when_it_stops(tinycontainer_device):
    device = tinycontainer_device().start()
    device.run(for_ms=1000)
    device.stop()
    device.expect_log("stopped", within_ms=1000)


def test_a_loop_is_short(tinycontainer_device):
    device = tinycontainer_device().start()
    device.run(for_ms=3000)
    assert max(hook.instructions for hook in device.hooks) < 5000
