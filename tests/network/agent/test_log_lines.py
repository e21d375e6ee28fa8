"""What the libraries of the network log becomes a line a second, in which nothing acts."""

import logging

from tinycontainer.network.agent.log_lines import few_log_lines


def test_one_line_a_second_stands_for_all_and_shows_nothing_raw() -> None:
    lines: list[str] = []
    now_s = 0.0
    with few_log_lines(lines.append, lambda: now_s):
        logger = logging.getLogger("coap-server")
        for number in range(5):
            logger.error("bad \x1b[31m %s\n%s", "x" * 999, number)
        logger.info("nothing that matters")
        now_s = 1.0
        logging.getLogger("asyncio").warning("slow")
    logger.info("after")
    assert len(lines) == 2
    assert lines[0].startswith("warning: network: bad \\x1b[31m xxx")
    assert lines[0].isprintable()
    assert len(lines[0]) < 250
    assert lines[1] == "warning: network: slow (and 4 more)"


def test_loggers_are_as_before_afterwards() -> None:
    logger = logging.getLogger("coap")
    before = (logger.handlers[:], logger.propagate, logger.level)
    with few_log_lines(print, lambda: 0.0):
        assert logger.handlers != before[0]
    assert (logger.handlers, logger.propagate, logger.level) == before
