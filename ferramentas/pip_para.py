"""O pip, escolhendo pacotes para outro computador: pip_para.py SISTEMA PYTHON argumentos do pip…

O pip aceita `--platform` e `--python-version`, mas decide as dependências condicionais («só no Windows») pelo
computador em que roda. Aqui ele as decide pelo computador de destino.
"""

import runpy
import sys

from pip._vendor.packaging import markers

SISTEMAS = {
    "windows": {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64"},
    "mac": {"os_name": "posix", "sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
    "linux-arm": {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux", "platform_machine": "aarch64"},
    "linux": {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
}


def do_linux(maquina):
    return [f"linux_{maquina}", *(f"manylinux_2_{n}_{maquina}" for n in range(5, 29)), f"manylinux2014_{maquina}"]


# As etiquetas dos pacotes que servem em cada um.
PLATAFORMAS = {
    "windows": ["win_amd64"],
    "mac": ["macosx_15_0_arm64"],
    "linux-arm": do_linux("aarch64"),
    "linux": [*do_linux("x86_64"), "manylinux1_x86_64", "manylinux2010_x86_64"],
}

sistema, python, *argumentos = sys.argv[1:]
destino = markers.default_environment() | SISTEMAS[sistema] | {
    "python_version": python, "python_full_version": f"{python}.0", "implementation_version": f"{python}.0",
    "platform_release": "", "platform_version": "",
}
markers.default_environment = lambda: dict(destino)
plataformas = [parte for nome in PLATAFORMAS[sistema] for parte in ("--platform", nome)]
sys.argv = ["pip", *argumentos, "--python-version", python, "--implementation", "cp", *plataformas]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
