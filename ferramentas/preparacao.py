import os, shutil, subprocess, sys; from pathlib import Path  # Preparação: acha o curso; onde ele não está (Colab), traz uma cópia.
REPOSITORIO, REF, VERSAO, CAPITULO = "{repositorio}", "{ref}", "{versao}", "{capitulo}"
git, copia = shutil.which("git"), Path(REPOSITORIO.split("/")[-1]).absolute(); os.environ.update(GIT_TERMINAL_PROMPT="0", GIT_ASKPASS="")
curso = next((c for p in copia.parents for c in (p, p / CAPITULO) if (c / "apoio/aviso.py").is_file()), copia / CAPITULO)
if git and not (curso.exists() or copia.exists()):
    subprocess.run([git, "-c", "credential.helper=", "clone", "-q", "--depth=1", "-b", REF, REPOSITORIO, copia])  # sem pedir senha
if not all((curso / p).is_file() for p in ("gptmini/__init__.py", "apoio/aviso.py")):
    faz = "mude o nome dessa pasta" if copia.exists() else "confira a internet e o endereço" if git else "instale o git (ou use o ZIP)"
    sys.exit(f"O curso não está em {{copia}}, nem veio de {{REPOSITORIO}} ({{REF}}): {{faz}} e rode esta célula outra vez.")
sys.path.insert(0, str(curso)); from apoio import aviso; aviso.ligar(VERSAO)
