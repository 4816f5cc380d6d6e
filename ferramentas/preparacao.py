import os, shutil, subprocess, sys; from pathlib import Path  # Preparação: acha o curso; onde ele não está (Colab), traz uma cópia.
REPOSITORIO, REF, VERSAO, git = "{repositorio}", "{ref}", "{versao}", shutil.which("git")
copia = Path(REPOSITORIO.rsplit("/", 1)[-1]).absolute(); os.environ.update(GIT_TERMINAL_PROMPT="0", GIT_ASKPASS="")  # o git não pede senha
casa = next((p for p in copia.parents if (p / "{capitulo}/apoio/aviso.py").is_file()), copia)  # nesta pasta, ou acima dela
if git and not casa.exists():
    subprocess.run([git, "-c", "credential.helper=", "clone", "-q", "--depth=1", "-b", REF, REPOSITORIO, casa])
if not all((casa / "{capitulo}" / parte).is_file() for parte in ("gptmini/__init__.py", "apoio/aviso.py")):
    faz = "mude o nome dessa pasta" if casa.exists() else "confira a internet e o endereço" if git else "instale o git (ou use o ZIP de lá)"
    sys.exit(f"O curso não está em {{casa}}, nem veio de {{REPOSITORIO}} ({{REF}}): {{faz}} e rode esta célula outra vez.")
sys.path.insert(0, str(casa / "{capitulo}")); from apoio import aviso; aviso.ligar(VERSAO)
