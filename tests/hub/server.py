"""A model hub on the loopback interface, for unmodified clients that follow HF_ENDPOINT.

It answers the part of the hub's HTTP interface that huggingface_hub and datasets use: repository
info, tree and paths-info, refs, and `resolve` as the real hub does it - small files through a
relative redirect, large ones (LFS) through an absolute one to another host name, both with
`X-Repo-Commit` and an ETag that is the git blob id or the sha256 - with range requests and the
error codes the clients distinguish. Faults can be switched on per file (see `Hub.fault`).

    python -m tests.hub.server --root FOLDER [--build] [--pin config/config.yaml] [--port 0]

prints `HF_ENDPOINT=http://127.0.0.1:<port>` and serves `FOLDER/{models,datasets}/owner/name/…`.
"""

import argparse
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

LARGE = {".safetensors", ".bin", ".parquet", ".h5"}  # what a .gitattributes hands to LFS
COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Blob:
    content: bytes
    oid: str  # git blob id of the file, or of its LFS pointer
    sha256: str | None  # of large files only

    @classmethod
    def of(cls, name: str, content: bytes) -> "Blob":
        sha256 = hashlib.sha256(content).hexdigest() if Path(name).suffix in LARGE else None
        stored = content
        if sha256:
            stored = (
                "version https://git-lfs.github.com/spec/v1\n"
                f"oid sha256:{sha256}\nsize {len(content)}\n"
            ).encode()
        return cls(content, hashlib.sha1(b"blob %d\0" % len(stored) + stored).hexdigest(), sha256)


@dataclass
class Repository:
    kind: str  # models or datasets
    id: str
    commits: dict[str, dict[str, Blob]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    gated: bool = False

    def commit(self, files: dict[str, bytes], sha: str | None = None, ref: str = "main") -> str:
        """Add a commit of exactly `files` and move `ref` there; its id is `sha` or their hash."""
        tree = {name: Blob.of(name, content) for name, content in sorted(files.items())}
        listing = "".join(f"{blob.oid} {name}\n" for name, blob in tree.items())
        sha = sha or hashlib.sha1(f"{self.id}\n{listing}".encode()).hexdigest()
        self.commits[sha] = tree
        self.refs[ref] = sha
        return sha

    def resolve(self, revision: str) -> str | None:
        sha = self.refs.get(revision, revision)
        return sha if sha in self.commits else None


@dataclass
class Fault:
    """What goes wrong, `times` times, with one file (or, where `file` is "", with the API)."""

    repo: str
    file: str
    status: int | None = None  # answer this instead
    headers: dict[str, str] = field(default_factory=dict)
    cut: float | None = None  # close the connection after this share of the content
    corrupt: bool = False  # as many bytes, but others
    after: Callable[[], None] | None = None  # called once the answer is out
    heads: bool = False  # HEAD requests fail too (status only)
    times: int = 1


class Hub:
    """Repositories and faults; `endpoint` once it is being served."""

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str, str | None]] = []  # method, path, Range
        self.port = 0
        self._lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add(
        self, kind: str, id: str, files: dict[str, bytes], sha: str | None = None
    ) -> Repository:
        repository = self.repositories.setdefault((kind, id), Repository(kind, id))
        repository.commit(files, sha)
        return repository

    def add_tree(self, root: Path, pins: dict[str, str] | None = None) -> None:
        """Add every `root/{models,datasets}/owner/name`; `pins` {id: commit} names commits."""
        for kind in ("models", "datasets"):
            for folder in sorted((root / kind).glob("*/*")):
                id = f"{folder.parent.name}/{folder.name}"
                files = {
                    file.relative_to(folder).as_posix(): file.read_bytes()
                    for file in sorted(folder.rglob("*"))
                    if file.is_file()
                }
                self.add(kind, id, files, (pins or {}).get(id))

    def model(self, id: str) -> Repository:
        return self.repositories["models", id]

    def fault(self, repo: str, file: str, **what: Any) -> Fault:
        """Switch on a fault for `file` of `repo`; see `Fault` for the kinds."""
        fault = Fault(repo, file, **what)
        with self._lock:
            self.faults.append(fault)
        return fault

    def reset(self) -> None:
        """Forget faults and the request log."""
        with self._lock:
            self.faults.clear()
            self.requests.clear()

    def take_fault(self, method: str, repo: str, file: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if (fault.repo, fault.file) == (repo, file) and fault.times > 0:
                    if method == "HEAD" and not fault.heads:
                        continue
                    fault.times -= 1
                    return fault
        return None

    @contextmanager
    def serving(self, port: int = 0) -> Iterator["Hub"]:
        """Serve in a thread for the length of a `with` block."""
        handler = type("Handler", (_Handler,), {"hub": self})
        with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
            server.daemon_threads = True
            self.port = server.server_port
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    API = re.compile(
        r"/api/(models|datasets)/([^/]+/[^/]+)(?:/(revision|tree|paths-info|refs)(?:/(.*))?)?"
    )
    RESOLVE = re.compile(r"/(?:(datasets)/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
    STORED = re.compile(
        r"/(?:cdn|api/resolve-cache)/(models|datasets)/([^/]+/[^/]+)/([0-9a-f]{40})/(.+)"
    )

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.hub.requests.append((self.command, url.path, self.headers.get("Range")))
        # stored first: the small files' address also begins with /api/
        for pattern, answer in (
            (self.STORED, self._content),
            (self.API, self._api),
            (self.RESOLVE, self._resolve),
        ):
            if match := pattern.fullmatch(url.path):
                answer(*match.groups())
                return
        self._error(404, "Not found")

    do_HEAD = do_GET
    do_POST = do_GET

    def _api(self, kind: str, id: str, what: str | None, rest: str | None) -> None:
        # a body left unread would be taken for the next request on this connection
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        fault = self.hub.take_fault(self.command, id, "")
        if fault and fault.status:
            self._error(fault.status, "fault", headers=fault.headers)
            return
        repository = self.hub.repositories.get((kind, id))
        if repository is None:
            self._no_repository()
            return
        if what == "refs":
            branches = [
                {"name": name, "ref": f"refs/heads/{name}", "targetCommit": sha}
                for name, sha in repository.refs.items()
            ]
            self._json({"branches": branches, "tags": [], "converts": []})
            return
        revision, _, folder = (rest or "main").partition("/")
        sha = repository.resolve(unquote(revision))
        if sha is None:
            self._error(404, f"Invalid rev id: {revision}", "RevisionNotFound")
            return
        tree = repository.commits[sha]
        if what == "tree":
            recursive = parse_qs(urlsplit(self.path).query).get("recursive", ["false"])[0].lower()
            self._json(_listing(tree, unquote(folder).strip("/"), recursive in ("true", "1")))
        elif what == "paths-info":
            asked = parse_qs(body).get("paths", [])
            if self.headers.get("Content-Type", "").startswith("application/json"):
                asked = json.loads(body)["paths"]
            self._json([_entry(name, tree[name]) for name in asked if name in tree])
        else:
            self._json(_info(repository, sha, tree))
        if fault and fault.after:
            fault.after()

    def _resolve(self, dataset: str | None, id: str, revision: str, name: str) -> None:
        kind = dataset or "models"
        name = unquote(name)
        repository = self.hub.repositories.get((kind, id))
        if repository is None:
            self._no_repository()
            return
        if repository.gated:
            message = f"Access to {kind} {id} is restricted."
            self._error(403 if self.headers.get("Authorization") else 401, message, "GatedRepo")
            return
        sha = repository.resolve(unquote(revision))
        if sha is None:
            self._error(404, f"Invalid rev id: {revision}", "RevisionNotFound")
            return
        blob = repository.commits[sha].get(name)
        if blob is None:
            self._error(404, "Entry not found", "EntryNotFound", {"X-Repo-Commit": sha})
            return
        if self.command == "HEAD" and (fault := self.hub.take_fault("HEAD", id, name)):
            self._error(fault.status or 500, "fault", headers=fault.headers)
            return
        headers = {"X-Repo-Commit": sha, "Accept-Ranges": "bytes"}
        if blob.sha256:
            headers |= {
                "X-Linked-Etag": f'"{blob.sha256}"',
                "X-Linked-Size": str(len(blob.content)),
                "Location": f"http://localhost:{self.hub.port}/cdn/{kind}/{id}/{sha}/{name}",
            }
            self._send(302, b"", headers)
        else:
            self._send(
                307, b"", headers | {"Location": f"/api/resolve-cache/{kind}/{id}/{sha}/{name}"}
            )

    def _content(self, kind: str, id: str, sha: str, name: str) -> None:
        name = unquote(name)
        blob = self.hub.repositories[kind, id].commits[sha][name]
        fault = self.hub.take_fault(self.command, id, name)
        if fault and fault.status:
            self._error(fault.status, "fault", headers=fault.headers)
            return
        content, status = blob.content, 200
        headers = {
            "X-Repo-Commit": sha,
            "ETag": f'"{blob.sha256 or blob.oid}"',
            "Accept-Ranges": "bytes",
        }
        if fault and fault.corrupt:
            content = bytes(byte ^ 0x55 for byte in content)
        if match := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or ""):
            first = int(match[1])
            last = min(int(match[2] or len(content) - 1), len(content) - 1)
            if first >= len(content):
                self._send(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                return
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            content, status = content[first : last + 1], 206
        cut = int(len(content) * fault.cut) if fault and fault.cut is not None else None
        self._send(status, content, headers, cut)
        if fault and fault.after:
            fault.after()

    def _no_repository(self) -> None:
        """The hub tells only those who are logged in whether a repository exists."""
        if self.headers.get("Authorization"):
            self._error(404, "Repository not found", "RepoNotFound")
        else:
            self._error(401, "Invalid username or password.")

    def _error(
        self, status: int, message: str, code: str = "", headers: dict[str, str] | None = None
    ) -> None:
        extra = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {})}
        body = json.dumps({"error": message}).encode()
        self._send(status, body, {"Content-Type": "application/json", **extra, **(headers or {})})

    def _json(self, content: Any) -> None:
        self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _send(
        self, status: int, body: bytes, headers: dict[str, str], cut: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:cut])
        if cut is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _entry(name: str, blob: Blob) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "type": "file",
        "path": name,
        "size": len(blob.content),
        "oid": blob.oid,
    }
    if blob.sha256:
        entry["lfs"] = {"oid": blob.sha256, "size": len(blob.content), "pointerSize": 134}
    return entry


def _listing(tree: dict[str, Blob], folder: str, recursive: bool) -> list[dict[str, Any]]:
    prefix = f"{folder}/" if folder else ""
    below = {name: blob for name, blob in tree.items() if name.startswith(prefix)}
    folders = {
        name[: len(prefix) + i]
        for name in below
        for i, letter in enumerate(name[len(prefix) :])
        if letter == "/" and (recursive or "/" not in name[len(prefix) : len(prefix) + i])
    }
    entries = [
        {"type": "directory", "path": f, "size": 0, "oid": hashlib.sha1(f.encode()).hexdigest()}
        for f in sorted(folders)
    ]
    entries += [
        _entry(name, blob)
        for name, blob in below.items()
        if recursive or "/" not in name[len(prefix) :]
    ]
    return entries


def _info(repository: Repository, sha: str, tree: dict[str, Blob]) -> dict[str, Any]:
    siblings = []
    for name, blob in tree.items():
        sibling: dict[str, Any] = {"rfilename": name, "size": len(blob.content), "blobId": blob.oid}
        if blob.sha256:
            sibling["lfs"] = {
                "sha256": blob.sha256, "size": len(blob.content), "pointerSize": 134
            }  # fmt: skip
        siblings.append(sibling)
    return {
        "_id": hashlib.sha1(repository.id.encode()).hexdigest()[:24],
        "id": repository.id,
        "author": repository.id.split("/")[0],
        "sha": sha,
        "lastModified": "2024-01-01T00:00:00.000Z",
        "createdAt": "2022-03-02T23:29:04.000Z",
        "private": False,
        "gated": "manual" if repository.gated else False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "siblings": siblings,
        "cardData": _front_matter(tree),
    }


def _front_matter(tree: dict[str, Blob]) -> dict[str, Any] | None:
    """What the hub reads from the head of a repository's README.md."""
    if "README.md" not in tree:
        return None
    found: dict[str, Any] | None = yaml.safe_load(tree["README.md"].content.split(b"---\n")[1])
    return found


def pins(config: Any) -> dict[str, str]:
    """{repository id: commit} of every `{id: …, revision: <commit>}` in a configuration."""
    found: dict[str, str] = {}
    if isinstance(config, dict):
        revision = config.get("revision")
        if isinstance(config.get("id"), str) and COMMIT.fullmatch(str(revision)):
            found[config["id"]] = str(revision)
        for value in config.values():
            found |= pins(value)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a loopback model hub.")
    parser.add_argument(
        "--root", type=Path, required=True, help="folder with models/ and datasets/"
    )
    parser.add_argument(
        "--build", action="store_true", help="fill it with the shrunken repositories"
    )
    parser.add_argument(
        "--pin", type=Path, help="experiment whose pinned commits the hub must know"
    )
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.build:
        from tests.hub import repositories

        repositories.build(arguments.root)
    pinned = {}
    if arguments.pin:
        import yaml

        from finetone.config.catalogue import in_full

        pinned = pins(in_full(yaml.safe_load(arguments.pin.read_text(encoding="utf-8")), {}))
    hub = Hub()
    hub.add_tree(arguments.root, pinned)
    with hub.serving(arguments.port):
        print(f"HF_ENDPOINT={hub.endpoint}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
