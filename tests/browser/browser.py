"""A real browser: Debian's Chromium, without a window, driven by playwright-core, with the rules of axe-core."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.real.installed import CACHE, needed, node_packages

HERE: Final = Path(__file__).parent
SCREENSHOTS: Final = Path(os.environ.get("SCREENSHOTS", CACHE / "screenshots"))
"""Where pictures of pages are kept, for people to look at."""
LOOKS: Final = (("light", 1280, 900), ("dark", 1280, 900), ("light", 360, 740), ("dark", 360, 740))


class Browser:
    """One page of a browser. Its methods raise AssertionError where a step fails."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def step(self, name: str, /, **given: Any) -> Any:
        """What a step of `driver.mjs` returns."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": name, **given}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the browser ended at {name} {given}"
        answer = json.loads(line)
        assert "error" not in answer, f"{name} {given}: {answer['error']}"
        return answer["value"]

    def goto(self, url: str) -> int:
        """Go to an address; the status of its answer."""
        status: int = self.step("goto", url=url)
        return status

    def fill(self, label: str, value: str) -> None:
        self.step("fill", label=label, value=value)

    def enter(self, name: str, values: Sequence[str]) -> None:
        """Fill in the field of a name, whatever its kind, also one that is folded away."""
        self.step("open", selector="details")
        self.step("enter", name=name, values=list(values))

    def frame(self, selector: str | None = None) -> None:
        """Work within a frame from now on; None: in the page itself."""
        self.step("frame", selector=selector)

    def press(self, name: str, role: str = "button") -> None:
        """Press a button or, as ``role`` says, follow a link, and wait for what comes."""
        self.step("press", name=name, role=role)

    @property
    def url(self) -> str:
        return str(self.step("url"))

    def text(self, selector: str = "body") -> str:
        """What people read within the first element that a selector finds."""
        return str(self.step("text", selector=selector))

    def judged(self, name: str) -> list[str]:
        """What is wrong with the page as it stands, in light and dark, wide and narrow; pictures of it are kept."""
        found = []
        for scheme, width, height in LOOKS:
            self.step("media", scheme=scheme, width=width, height=height)
            look = f"{name}-{scheme}-{width}"
            SCREENSHOTS.mkdir(parents=True, exist_ok=True)
            self.step("screenshot", path=str(SCREENSHOTS / f"{look}.png"))
            found += [f"{look}: {each['id']}: {each['help']}: {each['nodes']}" for each in self.step("axe")]
            if (beyond := self.step("overflow")) > 0:
                found.append(f"{look}: {beyond} pixels wider than the window")
        scheme, width, height = LOOKS[0]
        self.step("media", scheme=scheme, width=width, height=height)
        return found + [f"{name}: {each}" for each in self.step("complaints")]


@contextmanager
def browser(**options: Any) -> Iterator[Browser]:
    """A browser with nothing in it; ``options`` are those of a context of Playwright's (``javaScriptEnabled``)."""
    chromium = needed("chromium", "chromium")
    folder = node_packages("browser", HERE)
    command = [needed("node", "nodejs"), str(folder / "driver.mjs"), chromium, json.dumps(options)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Browser(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=30)
        if process.stdout is not None:
            process.stdout.close()
