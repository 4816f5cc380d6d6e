"""Refaz as travas: a versão exata e as impressões (sha256) de cada pacote que se instala, num arquivo para todos os sistemas.

    python3 curso.py atualizar pinos        (usa a rede; para subir também o que não está nas listas, apague antes as travas)

As listas (`requirements.txt`, `tests/requirements.txt`) são o que se lê e se edita; as travas (`.lock`) saem delas, pelo uv.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

RAIZ = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(RAIZ))
import curso  # noqa: E402

# O torch instala-se antes e sozinho, porque o índice dele e o PyPI dão arquivos diferentes da mesma versão; as bibliotecas
# da placa NVIDIA só vão para quem tem uma, e é o torch que as pede. O uv conta com eles para resolver, e a trava não os traz.
FORA = re.compile(r"(torch|triton)\b(?!-)|nvidia-|cuda-")
CABECALHO = """\
# Feito por «python3 curso.py atualizar pinos» a partir do que as listas pedem; não se edita à mão.
{pedidos}
# O torch instala-se antes, sozinho, e por isso não está aqui. Ver ferramentas/pinos.py.
"""


def blocos(texto):
    """Os pedidos de uma trava, cada um com as suas impressões e a nota de quem o pede."""
    return re.split(r"^(?=[a-z])", texto, flags=re.MULTILINE)[1:]


def travar(pasta, listas, *opcoes):
    """Resolve as listas e grava a trava da última; o que a trava de agora já escolheu fica, se ainda serve."""
    trava = RAIZ / curso.trava(listas[-1])
    nova = Path(pasta) / "nova.lock"
    if trava.exists():
        shutil.copy(trava, nova)
    uv = subprocess.run([sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", curso.PYTHONS_DO_KIT[0],
                    "--fork-strategy", "fewest", "--generate-hashes", "--only-binary", ":all:", "--no-header", "--annotation-style", "line",
                    "--output-file", str(nova), *opcoes, *listas], cwd=RAIZ)
    if uv.returncode != 0:
        sys.exit(f"O uv não resolveu {' e '.join(listas)}, pelo que ele disse acima: {trava.name} ficou como estava.")
    texto = CABECALHO.format(pedidos="\n".join(map(curso.pedido, listas)))
    texto += "".join(b for b in blocos(nova.read_text(encoding="utf-8")) if not FORA.match(b))
    nova.unlink()
    curso.gravar(trava, texto.encode("utf-8"))
    print(f"{trava.relative_to(RAIZ).as_posix()}: {len(blocos(texto))} pacotes")


def refazer():
    # A dos testes é a das duas listas juntas, e a de quem estuda escolhe dentro dela: assim nunca se contradizem.
    with tempfile.TemporaryDirectory() as pasta:
        travar(pasta, [curso.PACOTES, curso.PACOTES_DOS_TESTES])
        travar(pasta, [curso.PACOTES], "--constraint", curso.trava(curso.PACOTES_DOS_TESTES))


if __name__ == "__main__":
    refazer()
