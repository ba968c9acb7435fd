"""What is packaged: the sets of packages, a folder of inputs, and what is changed in it."""

import json
import os
import typing

BLOCK = 1 << 20

SCRIPT = '''import os

import pandas
import sklearn


def init():
    global size
    size = os.path.getsize(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.bin"))


def run(raw_data):
    return {"size": size, "pandas": pandas.__version__, "sklearn": sklearn.__version__}
'''


class Set(typing.NamedTuple):
    """Packages on a base. A pin is (name, version, the version it is changed to or None)."""

    base: str
    policy: str
    python: str
    pins: tuple
    # pip of Python 3.6 knows no wheels newer than manylinux2010 and has to be renewed first.
    old_pip: bool
    wheels_only: bool


SETS = {
    "py36": Set("ubuntu18-miniconda-py36", "azureml-2019", "3.6", (
        ("scikit-learn", "0.24.2", None), ("pandas", "1.1.4", "1.1.5"), ("azureml-inference-server-http", "0.7.7", None),
        ("inference-schema", "1.4.0", "1.4.2.1")), old_pip=True, wheels_only=False),
    "py311": Set("debian12-py311", "current", "3.11", (
        ("scikit-learn", "1.5.2", None), ("pandas", "2.2.2", "2.2.3"), ("azureml-inference-server-http", "1.4.1", None),
        ("inference-schema", "1.8", None)), old_pip=False, wheels_only=True),
}


class Project:
    """A folder with an entry script, a list of packages and a model of random bytes."""

    def __init__(self, folder, chosen, bump, model_size):
        self.folder, self.chosen, self.bump, self.model_size = folder, chosen, bump, model_size
        folder.mkdir()
        self.change_model()
        self.begin()

    def begin(self):
        """Script and packages as they were; the model may stay, whatever it is."""
        self.edits = 0
        self.write("score.py", SCRIPT)
        self.write("inferenceconfig.json", json.dumps(
            {"entryScript": "score.py", "runtime": "python", "condaFile": "environment.yml"}))
        self.write_packages({})

    def change(self, what):
        {"package": self.change_package, "model": self.change_model, "script": self.change_script}[what]()

    def change_package(self):
        self.write_packages({self.bump: next(after for name, _, after in self.chosen.pins if name == self.bump)})

    def change_script(self):
        self.edits += 1
        self.write("score.py", SCRIPT + "\n# Edit %d.\n" % self.edits)

    def change_model(self):
        new = self.folder / "model.new"
        with open("/dev/urandom", "rb") as source, open(new, "wb") as target:
            for start in range(0, self.model_size, BLOCK):
                target.write(source.read(min(BLOCK, self.model_size - start)))
        os.replace(new, self.folder / "model.bin")

    def write_packages(self, changed):
        lines = ["%s==%s" % (name, changed.get(name, version)) for name, version, _ in self.chosen.pins]
        self.write("requirements.txt", "".join(line + "\n" for line in lines))
        self.write("environment.yml", "dependencies:\n  - python=%s\n  - pip:\n" % self.chosen.python
                   + "".join("    - %s\n" % line for line in lines))

    def write(self, name, text):
        (self.folder / name).write_text(text)
