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

sistema, python, *argumentos = sys.argv[1:]
destino = markers.default_environment() | SISTEMAS[sistema] | {
    "python_version": python, "python_full_version": f"{python}.0", "implementation_version": f"{python}.0",
    "platform_release": "", "platform_version": "",
}
markers.default_environment = lambda: dict(destino)
sys.argv = ["pip", *argumentos]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
