"""O curso nas máquinas dos outros: células fora de ordem, pasta com acento e espaço, locale antigo, um núcleo, 4 GiB.

E o que todo aluno faz: «rodar tudo» duas vezes, e interromper um treino e seguir.
"""

import ast
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

RAIZ = Path(__file__).resolve().parent.parent
CAPITULO = RAIZ / "04-gpt-do-zero"
sys.path.insert(0, str(RAIZ / "ferramentas"))
import atualizar  # noqa: E402
import prosa  # noqa: E402


@pytest.mark.lento
def test_celula_fora_de_ordem_recebe_uma_frase():
    fontes = [atualizar.PREPARACAO, "print(modelo_que_falta)", "import gptmini\ngptmini.vetores.nome_de_dentro", "print('segue')"]
    caderno = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f) for f in fontes])
    NotebookClient(caderno, allow_errors=True, kernel_name="python3", resources={"metadata": {"path": str(CAPITULO)}}).execute()
    saidas = [[o.get("ename") or o["text"] for o in c.outputs] for c in caderno.cells]
    assert saidas[0] == [] and saidas[3] == ["segue\n"]
    assert saidas[1][0] == "NameError" and saidas[1][1].startswith("«modelo_que_falta» ainda não existe: falta rodar uma célula")
    assert saidas[2] == ["AttributeError"]           # só o que se explica com uma célula pulada ganha a frase


def abre_texto(chamada):
    """Se a chamada abre um arquivo como texto: open, read_text, write_text…"""
    nome = getattr(chamada.func, "attr", getattr(chamada.func, "id", ""))
    if nome in ("read_text", "write_text"):
        return True
    if nome != "open" or isinstance(chamada.func, ast.Attribute) and getattr(chamada.func.value, "id", "") in ("os", "zipfile", "Image"):
        return False
    modo = next((a.value for a in chamada.args[1:2] if isinstance(a, ast.Constant)), "r")
    return "b" not in next((k.value.value for k in chamada.keywords if k.arg == "mode"), modo)


def test_todo_arquivo_de_texto_diz_a_sua_codificacao():
    calados = []
    for caminho, codigo in prosa.codigos():
        if "tests" in caminho.parts:
            continue
        for no in ast.walk(ast.parse(codigo)):
            if isinstance(no, ast.Call) and abre_texto(no) and "encoding" not in {k.arg for k in no.keywords}:
                calados.append(f"{caminho.name}: {ast.unparse(no)}")
    assert calados == []


@pytest.fixture(scope="module")
def copia(tmp_path_factory):
    pasta = tmp_path_factory.mktemp("copia") / "Área de Trabalho" / "João & Zé"
    for casa in ("gptmini", "apoio"):
        shutil.copytree(CAPITULO / casa, pasta / casa, ignore=shutil.ignore_patterns("__pycache__"))
    return pasta


PROGRAMA = """
import torch
from pathlib import Path
from apoio import historinhas, modelo_pronto, pronto, publicar
from gptmini import generate
model, tokenizer = modelo_pronto()
texto = historinhas.sortear(1, semente=3)[0].texto
ids = torch.tensor([[tokenizer.fim, *tokenizer.encode(texto)]])
pronto.guardar(model, tokenizer, Path("meu-modelo") / "meu.pt", autora="\\u00cdris")
assert pronto.ler(Path("meu-modelo") / "meu.pt")[2] == {"autora": "\\u00cdris"}
historinhas.analisar(texto)
print(ascii(texto), torch.get_num_threads(), len(generate(model, ids[:, :3], 5, 0)[0]))
"""


@pytest.mark.parametrize("variaveis", [
    {}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "cp1252"}, {"OMP_NUM_THREADS": "1"},
], ids=["como-aqui", "locale-C", "cp1252", "uma-thread"])
@pytest.mark.lento
def test_o_modulo_serve_em_qualquer_pasta_e_locale(variaveis, copia):
    ambiente = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | variaveis
    saida = subprocess.run([sys.executable, "-W", "error::EncodingWarning", "-X", "warn_default_encoding", "-c", PROGRAMA], cwd=copia,
                           env=ambiente, capture_output=True, text=True, encoding="utf-8", check=False)
    assert saida.returncode == 0, saida.stderr
    assert int(saida.stdout.split()[-1]) >= 4
    if "OMP_NUM_THREADS" in variaveis:
        assert saida.stdout.split()[-2] == "1"


SO_LEITURA = 'mount --bind . . && mount -o remount,ro,bind . && cd "$PWD" && exec "$@"'


def pode_montar():
    try:
        return subprocess.run(["unshare", "-m", "sh", "-c", "mount --bind /tmp /tmp"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not pode_montar(), reason="esta máquina não deixa montar uma pasta só de leitura")
@pytest.mark.lento
def test_numa_pasta_so_de_leitura_as_aulas_rodam_e_guardar_diz_por_que_nao(copia):
    programa = PROGRAMA.split("pronto.guardar")[0] + """
historinhas.analisar(texto)
try:
    pronto.guardar(model, tokenizer, "meu-modelo/meu.pt")
except OSError as erro:
    print("recusou", erro.errno == __import__("errno").EROFS)
"""
    saida = subprocess.run(["unshare", "-m", "sh", "-c", SO_LEITURA, "sh", sys.executable, "-c", programa], cwd=copia,
                           capture_output=True, text=True, encoding="utf-8", check=False)
    assert saida.stdout.split() == ["recusou", "True"], saida.stderr


NO_APERTO = """
import os, resource
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
from apoio import pronto
from gptmini.treino import RECEITA, modelo_novo, train
tokenizer, exemplos, *_ = pronto.dados()
model = modelo_novo(tokenizer)
perdas = [s.train_loss for s in train(model, exemplos, **RECEITA | {"steps": 30})]
assert perdas[-1] < 0.7 * perdas[0], perdas
print(len(os.sched_getaffinity(0)), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10, "MB")
"""


@pytest.mark.lento
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="só o Linux deixa escolher o núcleo e limitar a memória")
def test_o_treino_cabe_num_nucleo_e_em_4_gib(copia):
    """4 GiB de endereços, que é mais apertado que 4 GiB de memória: bibliotecas e pilhas contam inteiras."""
    saida = subprocess.run([sys.executable, "-c", NO_APERTO], cwd=copia, capture_output=True, text=True, encoding="utf-8", check=False)
    assert saida.returncode == 0, saida.stderr
    nucleos, memoria = saida.stdout.split()[-3:-1]
    assert nucleos == "1" and int(memoria) < 1500


@pytest.mark.lento
def test_um_treino_interrompido_no_meio_continua_de_onde_parou():
    """O botão de parar do Jupyter, no meio da célula do treino; depois, outra célula treina o mesmo modelo."""
    from jupyter_client.manager import start_new_kernel

    gerente, cliente = start_new_kernel(kernel_name="python3", cwd=str(CAPITULO))
    ditos = []

    def rodar(codigo, parar_ao_ouvir=None):
        def ouvir(recado):
            ditos.append(recado["content"].get("text", ""))
            if parar_ao_ouvir and "".join(ditos).count(parar_ao_ouvir) == 1 and parar_ao_ouvir in ditos[-1]:     # um clique só
                gerente.interrupt_kernel()

        ditos.clear()
        resposta = cliente.execute_interactive(codigo, timeout=120, output_hook=ouvir)
        assert resposta["content"]["status"] == "ok", resposta["content"]
        return "".join(ditos)

    try:
        rodar(atualizar.PREPARACAO)
        rodar("from apoio import pronto\nfrom gptmini.treino import RECEITA, modelo_novo, train\ntokenizer, exemplos, *_ = pronto.dados()\nmodel = modelo_novo(tokenizer)")
        inicio = time.monotonic()
        dito = rodar("primeiro = train(model, exemplos, **RECEITA | {'steps': 3000})", parar_ao_ouvir="\rpasso")
        assert "interrompido depois do passo" in dito and time.monotonic() - inicio < 60
        dito = rodar("depois = train(model, exemplos, **RECEITA | {'steps': 20}, seed=1)\n"
                     "print(len(primeiro), primeiro[0].train_loss, depois[0].train_loss, depois[-1].train_loss)")
        feitos, no_comeco, na_volta, no_fim = dito.splitlines()[-1].split()
        assert 60 <= int(feitos) < 3000                      # parou mesmo, e não perdeu os passos feitos
        assert float(na_volta) < 0.7 * float(no_comeco)      # a segunda célula parte de onde a primeira parou
        assert float(no_fim) < 0.7 * float(no_comeco)
    finally:
        cliente.stop_channels()
        gerente.shutdown_kernel(now=True)
