"""Põe no curso, um por vez, os defeitos de defeitos.toml, e diz que testes apanham cada um.

Uso, com o Python do ambiente do curso:

    python tests/defeitos.py             todos os defeitos
    python tests/defeitos.py 3 17        só estes, pelo número de ordem
    python tests/defeitos.py --inteiro   os mesmos testes num curso sem defeito: todos têm de passar

Cada defeito vai numa cópia, numa pasta temporária, e nela rodam só os testes que a lista diz; o curso daqui fica como
está. Acaba com 1 se um dos testes da lista não vê o seu defeito, ou se falha sem ele.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

RAIZ = Path(__file__).resolve().parent.parent
DEFEITOS = tomllib.loads(Path(__file__).with_name("defeitos.toml").read_text(encoding="utf-8"))["defeito"]


def por(defeito, pasta):
    """Troca «velho» por «novo» em cada arquivo do defeito; em todos, «velho» está uma vez só."""
    for nome in [defeito["arquivo"], *defeito.get("tambem", [])]:
        texto = (pasta / nome).read_bytes().decode("utf-8")
        if (vezes := texto.count(defeito["velho"])) != 1:
            sys.exit(f"«{defeito['nome']}»: em {nome}, «{defeito['velho']}» está {vezes} vezes; esperava uma.")
        (pasta / nome).write_bytes(texto.replace(defeito["velho"], defeito["novo"]).encode("utf-8"))


def rodar(testes, defeito=None):
    """Numa cópia do que o git conhece, com o defeito: (código de saída, os testes que falharam, o que o pytest escreveu)."""
    nomes = subprocess.run(["git", "ls-files", "-z"], cwd=RAIZ, capture_output=True, check=True).stdout.decode("utf-8")
    with tempfile.TemporaryDirectory(prefix="defeito-") as pasta:
        for nome in nomes.split("\0"):
            if (RAIZ / nome).is_file():
                Path(pasta, nome).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(RAIZ / nome, Path(pasta, nome))
        if defeito:
            por(defeito, Path(pasta))
        comando = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *testes]
        comando += ["--nbval"] * any(".ipynb" in teste for teste in testes)
        ambiente = os.environ | {"OMP_NUM_THREADS": "1"}
        saida = subprocess.run(comando, cwd=pasta, env=ambiente, capture_output=True, text=True, encoding="utf-8", errors="replace")
    return saida.returncode, re.findall(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", saida.stdout, re.MULTILINE), saida.stdout + saida.stderr


def apanhado(numero):
    """Se cada teste da lista vê o defeito; escreve a linha dele."""
    defeito = DEFEITOS[numero - 1]
    codigo, falharam, saida = rodar(defeito["testes"], defeito)
    cegos = [teste for teste in defeito["testes"] if not any(falha.startswith(teste) for falha in falharam)]
    # 1: um teste falhou. Outro código (não achou o teste, não conseguiu começar) não é apanhar.
    dito = f"ERRO {codigo}: {saida.strip()[-300:]}" if codigo > 1 else f"NÃO APANHADO por {', '.join(cegos)}" if cegos else "apanhado"
    print(f"{numero:>2}  {defeito['arquivo']}: {defeito['nome']}: {dito}", *falharam, sep="\n        ", flush=True)
    return dito == "apanhado"


def main(argumentos):
    numeros = [int(a) for a in argumentos if a.isdigit()] or range(1, len(DEFEITOS) + 1)
    if "--inteiro" in argumentos:
        codigo, falharam, saida = rodar(list(dict.fromkeys(teste for n in numeros for teste in DEFEITOS[n - 1]["testes"])))
        print(*falharam, saida.strip().splitlines()[-1], sep="\n")
        return codigo
    vistos = [apanhado(n) for n in numeros]
    print(f"{sum(vistos)} de {len(vistos)} apanhados.")
    return 0 if all(vistos) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
