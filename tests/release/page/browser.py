"""Chromium without a window, driven over its DevTools protocol: pages as a person sees them."""

import base64
import itertools
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.deadlines import ANSWER_SECONDS, START_SECONDS

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Names the folder that pictures of all views go to, for a person to look at.
PICTURES = "PAGE_PICTURES"


class Browser:
    """One page. `complaints`: what its console and its network said of errors."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._numbers, self.complaints = socket, itertools.count(1), list[str]()
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable")

    _session: str | None = None

    def look(self, url: str, *, width: int = 1280, dark: bool = False, scripts: bool = False) -> None:
        """Open `url` in a window of `width` pixels, without `scripts` or with, and wait until all of it is there."""
        self._ask("Emulation.setScriptExecutionDisabled", value=not scripts)
        self._ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", features=[scheme])
        self._navigated("Page.navigate", url=url)

    def value(self, expression: str) -> Any:
        """What `expression` is in the page."""
        answer = self._ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def click(self, selector: str) -> None:
        """Press the mouse on the middle of the element, and wait for the page that follows."""
        self._navigated("Input.dispatchMouseEvent", **self._pressed(selector))

    def press(self, selector: str) -> None:
        """The same where no page follows."""
        self._ask("Input.dispatchMouseEvent", **self._pressed(selector))

    def _pressed(self, selector: str) -> dict[str, Any]:
        """The event that lets go of the mouse, which is down on the middle of the element."""
        box = f"document.querySelector({json.dumps(selector)})"
        self.value(f"{box}.scrollIntoView({{block: 'center', inline: 'center'}})")
        x, y = self.value(f"(r => [r.x + r.width / 2, r.y + r.height / 2])({box}.getBoundingClientRect())")
        position = {"x": x, "y": y, "button": "left", "clickCount": 1}
        self._ask("Input.dispatchMouseEvent", type="mousePressed", **position)
        return {"type": "mouseReleased", **position}

    def type(self, selector: str, text: str) -> None:
        """Type `text` into the element, in place of what it holds."""
        self.value(f"(e => (e.focus(), e.select()))(document.querySelector({json.dumps(selector)}))")
        key = {"key": "Delete", "code": "Delete", "windowsVirtualKeyCode": 46}
        self._ask("Input.dispatchKeyEvent", type="keyDown", **key)
        self._ask("Input.insertText", text=text)

    def picture(self, path: Path) -> None:
        """The whole page as a PNG."""
        shot = self._ask("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _navigated(self, method: str, **parameters: Any) -> None:
        number = self._send(method, parameters)
        answered = loaded = False
        while not (answered and loaded):
            message = self._receive()
            loaded = loaded or message.get("method") == "Page.loadEventFired"
            answered = answered or message.get("id") == number

    def _ask(self, method: str, **parameters: Any) -> Any:
        number = self._send(method, parameters)
        while (message := self._receive()).get("id") != number:
            pass
        assert "error" not in message, message
        return message["result"]

    def _send(self, method: str, parameters: dict[str, Any]) -> int:
        number = next(self._numbers)
        session = {"sessionId": self._session} if self._session else {}
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters} | session))
        return number

    def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._socket.recv(timeout=ANSWER_SECONDS))
        if message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
            self.complaints.append(message["params"]["entry"]["text"])
        return message


@contextmanager
def opened(profile: Path) -> Iterator[Browser]:
    """A browser of its own, with nothing remembered; it keeps its files in `profile`."""
    command = [
        str(PROGRAM), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--no-first-run", "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
        "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank",
    ]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = next((line for line in process.stderr if "DevTools listening on " in line), None)
            assert line is not None, f"{PROGRAM} ended with {process.wait()}"
            address = line.split("DevTools listening on ")[1].strip()
            with connect(address, max_size=None, open_timeout=START_SECONDS, compression=None) as socket:
                yield Browser(socket)
        finally:
            process.terminate()
