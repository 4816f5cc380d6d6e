# Preparação: acha o módulo do curso ao lado; onde ele não está (Colab), traz o curso uma vez.
import subprocess
import sys
from pathlib import Path

REPOSITORIO, REF = "{repositorio}", "{ref}"
copia = Path.cwd() / REPOSITORIO.rsplit("/", 1)[-1]


def achar_curso():
    bases = [Path.cwd(), *Path.cwd().parents, copia]
    pastas = [pasta for base in bases for pasta in (base, base / "04-gpt-do-zero")]
    return next((pasta for pasta in pastas if (pasta / "gptmini" / "__init__.py").exists()), None)


if achar_curso() is None:
    subprocess.run(["git", "clone", "-q", "--depth", "1", "--branch", REF, REPOSITORIO, copia], check=False)
curso = achar_curso()
if curso is None:
    raise SystemExit(f"O módulo do curso não veio de {{REPOSITORIO}} (ref {{REF}}): confira a internet, "
                     f"apague a pasta «{{copia.name}}» se ela existir e rode esta célula outra vez.")
if str(curso) not in sys.path:
    sys.path.insert(0, str(curso))
from apoio import aviso

aviso.ligar()
