"""A few lines of the Chrome DevTools protocol: enough to open a page and ask it questions."""

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

BINARY = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
PATIENCE = 60  # seconds; a crowded machine is slow, a broken page still ends


class Chromium:
    """One browser with one tab; records every request and every console message."""

    def __init__(self, profile: Path) -> None:
        assert BINARY is not None
        self.process = subprocess.Popen(
            [BINARY, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.count = 0
        self.open_parts = ExitStack()
        self.events: list[dict[str, Any]] = []
        try:
            port, path = self._wait(lambda: self._port(profile))
            self.socket: ClientConnection = self.open_parts.enter_context(
                connect(f"ws://127.0.0.1:{port}{path}", max_size=None, open_timeout=PATIENCE)
            )
            tab = self._raw("Target.createTarget", {"url": "about:blank"})["targetId"]
            attached = self._raw("Target.attachToTarget", {"targetId": tab, "flatten": True})
            self.session = attached["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                self.call(f"{domain}.enable")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self.open_parts.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def open(self, path: Path, width: int = 1440, height: int = 900, scheme: str = "light") -> None:
        """Load a file at a window size and colour scheme, with fresh records."""
        self.requests.clear()
        self.complaints.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])
        self.events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        self._wait(lambda: self._seen("Page.loadEventFired"))

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression (promises are awaited)."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise AssertionError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def press(self, key: str, code: int) -> None:
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                text="\r" if key == "Enter" and kind == "keyDown" else "",
            )

    def screenshot(self, target: Path, whole: bool = False) -> None:
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        target.write_bytes(base64.b64decode(shot["data"]))

    def print(self) -> bytes:
        return base64.b64decode(self.call("Page.printToPDF")["data"])

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._raw(method, parameters, self.session)

    def _raw(
        self, method: str, parameters: dict[str, Any], session: str | None = None
    ) -> dict[str, Any]:
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        self.socket.send(json.dumps(message | ({"sessionId": session} if session else {})))
        while True:
            answer = json.loads(self.socket.recv(timeout=PATIENCE))
            if answer.get("id") == self.count:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return dict(answer["result"])
            self._record(answer)

    def _record(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        parameters = event.get("params", {})
        match event.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(parameters["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if parameters["type"] in ("error", "warning", "assert"):
                self.complaints.append(json.dumps(parameters["args"]))
            case "Log.entryAdded" if parameters["entry"]["level"] in ("error", "warning"):
                self.complaints.append(parameters["entry"]["text"])

    def _seen(self, method: str) -> bool:
        self.ask("0")  # lets waiting events arrive
        return any(event.get("method") == method for event in self.events)

    def _port(self, profile: Path) -> tuple[str, str] | None:
        if self.process.poll() is not None:
            raise RuntimeError(f"{BINARY} ended with code {self.process.returncode}")
        file = profile / "DevToolsActivePort"
        lines = file.read_text().splitlines() if file.is_file() else []
        return (lines[0], lines[1]) if len(lines) > 1 else None

    def _wait(self, found: Callable[[], Any]) -> Any:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if value := found():
                return value
            time.sleep(0.05)
        raise TimeoutError("the browser did not get there")
