"""Tokens that somebody asks with: only their hashes are kept."""

import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final

TOKEN_BYTES: Final = 32
API_PREFIX: Final = "tcp_"
"""By which a token of a program is known when somebody has lost it somewhere."""
_SESSION: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_API: Final = re.compile(r"tcp_[A-Za-z0-9_-]{43}")


def write_session_token(drawn: bytes) -> str:
    """The text of a session's token, from what was drawn at random."""
    return urlsafe_b64encode(drawn).rstrip(b"=").decode()


def write_api_token(drawn: bytes) -> str:
    """The text of a program's token, from what was drawn at random."""
    return API_PREFIX + write_session_token(drawn)


def is_session_token(text: str) -> bool:
    """Whether a text can be the token of a session."""
    return _SESSION.fullmatch(text) is not None


def is_api_token(text: str) -> bool:
    """Whether a text can be the token of a program."""
    return _API.fullmatch(text) is not None


def hash_token(text: str) -> str:
    """What is kept of a token."""
    return sha256(text.encode(errors="surrogatepass")).hexdigest()


def derive_csrf(session_token: str) -> str:
    """What a page of this session puts into ``X-CSRF-Token``; another site's page cannot know it.

    From the token, so that a page that is loaded anew gets the same one.
    """
    return sha256(b"tinycontainer csrf\0" + session_token.encode()).hexdigest()
