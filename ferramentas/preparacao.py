import os, shutil, subprocess, sys; from pathlib import Path  # Preparação: acha o curso; onde ele não está (Colab), traz uma cópia.
REPOSITORIO, REF, VERSAO, git = "{repositorio}", "{ref}", "{versao}", shutil.which("git")
copia = Path(REPOSITORIO.rsplit("/", 1)[-1]).absolute()
curso = next((p for p in copia.parents if (p / "{capitulo}/apoio/aviso.py").is_file()), copia) / "{capitulo}"
if git and not curso.parent.exists():
    subprocess.run([git, "clone", "-q", "--depth=1", "-b", REF, REPOSITORIO, copia], env=os.environ | {{"GIT_TERMINAL_PROMPT": "0"}})
if not ((curso / "gptmini/__init__.py").is_file() and (curso / "apoio/aviso.py").is_file()):
    faz = "dê outro nome a essa pasta" if curso.parent.exists() else "confira a internet" if git else "instale o git, ou use o ZIP de lá,"
    sys.exit(f"O curso não está em {{curso.parent}}, nem veio de {{REPOSITORIO}} ({{REF}}): {{faz}} e rode esta célula outra vez.")
sys.path.insert(0, str(curso)); from apoio import aviso; aviso.ligar(VERSAO)
