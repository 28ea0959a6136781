"Everything about this package is said in settings.ini; this file only hands it to setuptools."
import re
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).parent
parser = ConfigParser(delimiters=["="])
parser.read(here / "settings.ini", encoding="utf-8")
settings = parser["DEFAULT"]
extras = {name: settings[f"{name}_requirements"].split() for name in ("dev", "hub", "eval")}


def readme_for_others():
    "README.md with links that work where the repository is not at hand, as on a package page."
    raw = settings["git_url"].replace("https://github.com", "https://raw.githubusercontent.com")
    places = {"!": f"{raw}/{settings['branch']}/", "": f"{settings['git_url']}/blob/{settings['branch']}/"}
    text = (here / "README.md").read_text(encoding="utf-8")
    relative = r"(!?)(\[[^\]]*\]\()(?!\w+:|#|/)"
    return re.sub(relative, lambda found: found[1] + found[2] + places[found[1]], text)


setup(
    name=settings["lib_name"],
    version=settings["version"],
    description=settings["description"],
    long_description=readme_for_others(),
    long_description_content_type="text/markdown",
    author=settings["author"],
    author_email=settings["author_email"],
    url=settings["git_url"],
    project_urls={"Documentation": settings["doc_host"] + settings["doc_baseurl"]},
    license="Apache-2.0",
    keywords=settings["keywords"].split(),
    python_requires=f">={settings['min_python']}",
    packages=find_packages(include=["gpt2_course", "gpt2_course.*"]),
    package_data={"gpt2_course": ["shakespeare_char/*", "items/*"]},
    install_requires=settings["requirements"].split(),
    extras_require=extras,
    entry_points={"console_scripts": settings["console_scripts"].split(),
                  "nbdev": [f"{settings['lib_name']}={settings['lib_name']}._modidx:d"]},
    zip_safe=False,
)
