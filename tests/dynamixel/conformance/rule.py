"""What a conformance check is: a sentence, the place in the e-Manual that says it, and a body that asks the servos."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.dynamixel.conformance.client import Client

MANUAL = "https://emanual.robotis.com/docs/en"
PROTOCOL = ("Protocol 2.0", f"{MANUAL}/dxl/protocol2/")
XL430 = ("XL430-W250", f"{MANUAL}/dxl/x/xl430-w250/")
XL330 = ("XL330-M288", f"{MANUAL}/dxl/x/xl330-m288/")

Body = Callable[[Client], None]


@dataclass(frozen=True)
class Check:
    """One rule. `page` is a title and an address; `section` a heading on it."""

    sentence: str
    page: tuple[str, str]
    section: str
    body: Body

    @property
    def source(self) -> str:
        """A link to the section, as Markdown."""
        anchor = re.sub(r"[^\w -]", "", self.section.lower()).replace(" ", "-")
        return f"[{self.page[0]}, {self.section}]({self.page[1]}#{anchor})"


class Chapter:
    """Checks about one subject, in the order in which they were written down."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.checks: list[Check] = []

    def rule(self, sentence: str, page: tuple[str, str], section: str) -> Callable[[Body], Body]:
        """Decorates the body of a check."""

        def add(body: Body) -> Body:
            self.checks.append(Check(sentence, page, section, body))
            return body

        return add
