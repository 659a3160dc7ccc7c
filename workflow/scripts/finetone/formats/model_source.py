"""What a model's manifest says of where the model came from (`source`)."""

from typing import Any, TypedDict

ModelSource = TypedDict(  # functional, as `from` is a word of Python's
    "ModelSource",
    {
        "kind": str,  # one of hub, wheel, path, scratch and intermediate
        "revision": str,
        # of the hub
        "id": str,
        "asked": str,  # the revision that the configuration names
        "license": str,
        # of a wheel, or of several
        "requirement": str,
        "sha256": str,
        "parts": list[Any],
        "member": str | dict[str, str],
        "folder": str,
        # of the user's own folder
        "path": str,
        "files": dict[str, dict[str, Any]],
        # without pretraining
        "like": str,
        "config": dict[str, Any],
        # fine-tuned on another task first
        "from": str,
        "base": "ModelSource",
    },
    total=False,
)
