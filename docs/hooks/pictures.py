"""A hook of MkDocs: the pictures of benchmarks/results become part of the site.

In: pages that show ``../benchmarks/results/NAME.png``, which is where a picture lies for somebody
who reads the page in the repository. Out: the same pages with ``pictures/NAME.png``, and the files.
"""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

__all__ = ["on_files", "on_page_markdown"]

_RESULTS = "benchmarks/results"
_ON_SITE = "pictures"


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add every picture to the site."""
    folder = Path(config.config_file_path).parent / _RESULTS
    for path in sorted(folder.glob("*.png")):
        name = f"{_ON_SITE}/{path.name}"
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Point a page at the pictures of the site."""
    return markdown.replace(f"../{_RESULTS}/", f"{_ON_SITE}/")
