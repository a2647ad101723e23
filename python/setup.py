"""Builds libnextc.so with CMake and puts it into the package. NEXTC_LIBRARY=/path/libnextc.so: takes that one instead."""
import os
import shutil
import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.dist import Distribution

TOP = Path(__file__).resolve().parent.parent


class BuildWithLibrary(build_py):
    def library(self):
        given = os.environ.get("NEXTC_LIBRARY")
        if given:
            return Path(given).resolve()
        folder = Path(self.get_finalized_command("build").build_temp).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cmake", "-S", TOP, "-B", folder, "-DCMAKE_BUILD_TYPE=Release"], check=True)
        jobs = str(os.cpu_count() or 1)
        subprocess.run(["cmake", "--build", folder, "--target", "nextc_shared", "-j", jobs], check=True)
        return folder / "libnextc.so"

    def run(self):
        super().run()
        target = Path(self.build_lib) / "nextc"
        if not self.editable_mode:
            shutil.copyfile(self.library(), target / "libnextc.so")


class BinaryDistribution(Distribution):
    """The wheel has machine code, so it belongs to one platform."""

    def has_ext_modules(self):
        return True


setup(cmdclass={"build_py": BuildWithLibrary}, distclass=BinaryDistribution)
