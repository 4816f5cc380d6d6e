"""Os verificadores: toda resposta certa passa, toda errada ouve o nome do erro, e nada do que a resposta faça os derruba."""

import _thread
import ast
import contextlib
import decimal
import fractions
import io
import math
import os
import random
import re
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import cadernos
import confere_hostis as hostis
import respostas
from apoio import confere, pronto
from apoio.confere import EXERCICIOS, corretor
from apoio.confere.licoes import bloco as de_bloco
from apoio.confere.licoes import feedforward as de_feedforward
from apoio.confere.licoes import geracao as de_geracao
from apoio.numeros import numero
from gptmini import FeedForward, GPTMini, LayerNorm, TransformerBlock
from respostas import CAMADAS, FUNCOES

CAPITULO = Path(__file__).resolve().parent.parent / "04-gpt-do-zero"
CONFERE = CAPITULO / "apoio" / "confere"


@pytest.fixture(autouse=True)
def pasta_vazia(tmp_path, monkeypatch):
    monkeypatch.setattr(pronto, "MEU", tmp_path / "meu-modelo" / "meu_modelo.pt")
    monkeypatch.setattr(corretor, "_ACERTOS", set())


def conferir(exercicio, resposta, **opcoes):
    return getattr(confere, exercicio)(resposta, **opcoes)


RELU = respostas.feedforward.gelu_relu
UMA_DE_CADA = list(respostas.PRIMEIRA.items())


def nomes(pares):
    return [f"{par[0]}-{par[1].__name__}" for par in pares]


# -- certas e erradas -------------------------------------------------------------------------------------

@pytest.mark.parametrize("exercicio, resposta", respostas.CERTAS, ids=nomes(respostas.CERTAS))
@pytest.mark.uma_em(3)
def test_resposta_certa_passa(exercicio, resposta):
    resultado = conferir(exercicio, resposta)
    assert resultado.ok and resultado.pistas == (), resultado


def uma_em(quantas, casos):
    """Uma em cada tantas a cada vez que se mexe em algo; todas, na suíte inteira."""
    return [pytest.param(*caso, marks=[pytest.mark.lento] * (i % quantas > 0)) for i, caso in enumerate(casos)]


@pytest.mark.parametrize("exercicio, resposta, palavras", uma_em(3, respostas.ERRADAS), ids=nomes(respostas.ERRADAS))
def test_resposta_errada_ouve_o_nome_do_erro(exercicio, resposta, palavras):
    resultado = conferir(exercicio, resposta)
    assert not resultado.ok
    for palavra in palavras:
        assert palavra in resultado.dica
    assert "tropeçou" not in resultado.dica and len(resultado.pistas) in (0, 3)


def test_ha_respostas_bastantes_de_cada_exercicio():
    certas, erradas = ([par[0] for par in lista] for lista in (respostas.CERTAS, respostas.ERRADAS))
    assert len(erradas) >= 70 and {*certas, *erradas} == set(EXERCICIOS)
    for exercicio in EXERCICIOS:
        assert certas.count(exercicio) >= 2 and erradas.count(exercicio) >= 3, exercicio


def estragar(valor):
    """O mesmo resultado com um pouco a mais: errado, e por pouco."""
    if isinstance(valor, tuple):
        return valor[0], estragar(valor[1])
    if isinstance(valor, torch.Tensor):
        estragado = valor.clone()
        ultimo = (-1,) * valor.dim()
        estragado[ultimo] = ~estragado[ultimo] if valor.dtype == torch.bool else estragado[ultimo] + 1
        return estragado
    return valor + "!" if isinstance(valor, str) else valor + 1


@pytest.mark.parametrize("exercicio, resposta", respostas.CERTAS, ids=nomes(respostas.CERTAS))
@pytest.mark.lento
def test_a_mesma_resposta_com_um_defeito_e_recusada(exercicio, resposta):
    if not isinstance(resposta, type):
        resultado = conferir(exercicio, lambda *a: estragar(resposta(*a)))
    else:
        metodo = "decode" if exercicio == "tokenizador" else "forward"
        certo = getattr(resposta, metodo)
        resultado = conferir(exercicio, type("Defeituosa", (resposta,), {metodo: lambda self, x: estragar(certo(self, x))}))
    assert not resultado.ok and "tropeçou" not in resultado.dica


IMITAVEIS = [(exercicio, nome, ajuste) for exercicio in respostas.IMITA for nome, ajuste in corretor._imitaveis(exercicio)]


@pytest.mark.parametrize("exercicio, nome, ajuste", IMITAVEIS, ids=[f"{n}-{i}" for i, (_, n, _) in enumerate(IMITAVEIS)])
@pytest.mark.lento
def test_cada_erro_conhecido_se_distingue_dos_outros(exercicio, nome, ajuste):
    assert conferir(exercicio, respostas.IMITA[exercicio](**ajuste)).dica == corretor.diga(nome).resultado.dica


def test_todo_ajuste_das_dicas_e_experimentado():
    com_ajuste = {exercicio for exercicio, erros in corretor.DICAS.items()
                  if any("imita" in erro for erro in erros.values() if isinstance(erro, dict))}
    assert com_ajuste == set(respostas.IMITA)


# -- as frases --------------------------------------------------------------------------------------------

def frases():
    return [(exercicio, nome, erro) for exercicio, erros in corretor.DICAS.items()
            for nome, erro in erros.items() if isinstance(erro, dict)]


def test_toda_frase_e_usada_e_tem_todas_as_pistas_ou_nenhuma():
    codigo = "".join(p.read_text(encoding="utf-8") for p in CONFERE.rglob("*.py"))
    montadas = {"leitura.porcentagem", "leitura.fracao", "leitura.sinal"}
    for exercicio, nome, erro in frases():
        assert "imita" in erro or f'"{exercicio}.{nome}"' in codigo or f"{exercicio}.{nome}" in montadas, f"{exercicio}.{nome}"
        tem = {p for p in ("pergunta", "erro", "onde") if p in corretor.DICAS[exercicio] or p in erro}
        proprias = {"pergunta", "erro", "onde"} & set(erro)
        assert len(tem) == 3 or not proprias, f"{exercicio}.{nome}: pistas pela metade"


def test_as_secoes_citadas_existem_nas_licoes():
    titulos = {}
    for caderno in cadernos.licoes():
        titulos[caderno.name[:2]] = set(re.findall(r"^#+ (.+)$", cadernos.sem_marcas(cadernos.prosa(caderno)), re.MULTILINE))
    citadas = re.findall(r"Lição (\d\d), «(.+?)»\.", str(corretor.DICAS))
    assert len(citadas) > 50
    assert {(licao, secao) for licao, secao in citadas if secao not in titulos[licao]} == set()


def test_todo_arquivo_de_licoes_esta_na_ordem_delas():
    pasta = CONFERE / "licoes"
    importa = ast.parse((pasta / "__init__.py").read_text(encoding="utf-8")).body[-1]
    assert {nome.name for nome in importa.names} == {p.stem for p in pasta.glob("*.py")} - {"__init__"}


def test_os_numeros_das_frases_sao_os_da_conta():
    um, x, gelu = torch.tensor(1.0), torch.linspace(-5, 5, 10_001), corretor.DICAS["gelu"]
    assert gelu["relu"]["erro"] == f"A GELU em −1 vale {numero(F.gelu(-um), 3)}."
    assert gelu["silu"]["erro"] == f"A GELU em 1 vale {numero(F.gelu(um), 3)}; a SiLU, {numero(F.silu(um), 3)}."
    assert gelu["sem_raiz"]["erro"] == f"São {numero(math.sqrt(2 / math.pi), 3)} e {numero(2 / math.pi, 3)}."
    assert f"até {numero((x * (1.702 * x).sigmoid() - F.gelu(x)).abs().max(), 2)};" in gelu["sigmoide_1702"]["dica"]
    assert f"Perto de {numero(torch.special.ndtr(um), 2)}?" in gelu["erf_sem_raiz"]["pergunta"]
    a_lapis = 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    torch.testing.assert_close(a_lapis, F.gelu(x, approximate="tanh"))
    assert set(re.findall(r"0,0[34]\d+", str(gelu))) == {numero(0.044715, 6)}
    variancia = torch.tensor([3.0, 9, 11, 17]).var(correction=0)
    assert corretor.DICAS["layernorm"]["sem_raiz"]["erro"] == f"Para [3, 9, 11, 17] a variância é {variancia:.0f}, e o desvio, {variancia.sqrt():.0f}."
    assert f"ln 2 ≈ {numero(math.log(2), 3)}?" in corretor.DICAS["perda"]["base_2"]["pergunta"]


def test_as_cores_sao_as_do_curso():
    from apoio import veja

    usadas = {re.search(r"solid (#\w+)", confere.Resultado(*r)._repr_html_())[1]
              for r in ((True, "a"), (False, "Em branco"), (False, "b"))}
    assert len(usadas) == 3 and usadas <= set(veja.COR.values())


# -- em branco --------------------------------------------------------------------------------------------

def vazia_nada(*argumentos):
    """Escreva aqui."""


def vazia_reticencias(*argumentos):
    return ...


def vazia_nao_implementada(*argumentos):
    raise NotImplementedError


@pytest.mark.parametrize("vazia", [vazia_nada, vazia_reticencias, vazia_nao_implementada])
@pytest.mark.parametrize("exercicio", FUNCOES)
def test_funcao_intocada_responde_em_branco(exercicio, vazia):
    resultado = conferir(exercicio, vazia)
    assert not resultado.ok and resultado.dica.startswith("Em branco") and "return" in resultado.dica


@pytest.mark.parametrize("vazia", [vazia_nada, vazia_reticencias, vazia_nao_implementada])
@pytest.mark.parametrize("exercicio", CAMADAS)
def test_classe_intocada_responde_em_branco(exercicio, vazia):
    classe = type("Minha", (CAMADAS[exercicio],), {"forward": vazia})
    assert conferir(exercicio, classe).dica.startswith("Em branco: `forward`")


def test_tokenizador_intocado_responde_em_branco():
    class Tokenizador:
        def __init__(self, texts):
            pass

        def encode(self, texto):
            pass

        def decode(self, ids):
            pass

    assert confere.tokenizador(Tokenizador).dica.startswith("Em branco: `encode`")
    Tokenizador.encode = lambda self, texto: [1, 2]
    assert confere.tokenizador(Tokenizador).dica.startswith("Em branco: `decode`")


@pytest.mark.parametrize("exercicio", EXERCICIOS)
def test_none_responde_em_branco_e_nao_conta(exercicio, capsys):
    assert conferir(exercicio, None).dica.startswith("Em branco")
    confere.placar()
    assert f"0 de {len(EXERCICIOS)}" in capsys.readouterr().out


# -- o que a resposta não pode estragar -------------------------------------------------------------------

def test_a_excecao_vem_com_a_linha_da_resposta_e_em_portugues():
    def minha(x):
        metade = x / 2
        return metade @ torch.ones(3, 7)

    resultado = confere.gelu(minha)
    linha = minha.__code__.co_firstlineno + 2
    assert f"na linha {linha}, `return metade @ torch.ones(3, 7)`" in resultado.dica
    assert "As formas não combinam" in resultado.dica and "RuntimeError" in resultado.dica
    assert "forma (41,)" in resultado.pistas[1]


def test_a_linha_e_a_da_resposta_mesmo_quando_quem_para_e_o_curso():
    def minha(model, idx, n):
        return model(idx.float())

    assert f"linha {minha.__code__.co_firstlineno + 1}" in confere.gerar(minha).dica


@pytest.mark.parametrize("erro", [SystemExit, KeyboardInterrupt, RecursionError, MemoryError, ZeroDivisionError("por {zero}"),
                                  ValueError("<b>{x}</b>"), UnicodeDecodeError("utf-8", b"", 0, 1, "x")])
def test_qualquer_excecao_da_resposta_e_explicada(erro):
    def minha(x):
        raise erro

    resultado = confere.gelu(minha)
    assert "O seu código parou" in resultado.dica and len(resultado.pistas) == 3


def test_uma_excecao_que_nem_sabe_se_descrever_nao_derruba():
    class Torta(Exception):
        def __str__(self):
            raise RuntimeError("nem eu sei")

    def minha(x):
        raise Torta

    assert not confere.gelu(minha).ok


def test_chamar_a_si_mesma_sem_parar_e_explicado():
    class Camada(FeedForward):
        def forward(self, x):
            return self(x)

    assert "sem parar" in confere.feedforward(Camada).dica


def laco(x):
    while True:
        x = x + 1


def laco_que_engole(x):
    while True:
        try:
            x = x + 1
        except Exception:
            pass


def laco_que_engole_tudo(x):
    for _ in range(3):
        with contextlib.suppress(BaseException):
            while True:
                x = x + 1


@pytest.mark.parametrize("sem_fim", [laco, laco_que_engole, laco_que_engole_tudo])
def test_laco_sem_fim_e_interrompido(sem_fim):
    antes, inicio = threading.active_count(), time.monotonic()
    resultado = confere.gelu(sem_fim, segundos=0.2)
    assert "não terminou em 0,2 s; estava na linha" in resultado.dica and "reinicie" not in resultado.dica
    assert time.monotonic() - inicio < 3 and threading.active_count() == antes


@pytest.mark.lento
def test_o_limite_de_verdade_e_de_cinco_segundos():
    inicio = time.monotonic()
    assert "não terminou em 5 s" in confere.gelu(laco).dica
    assert 4.9 < time.monotonic() - inicio < 8


@pytest.mark.lento
def test_o_que_esta_parado_em_c_e_dito_com_franqueza():
    resultado = confere.gelu(lambda x: time.sleep(2), segundos=0.1)
    assert "não terminou" in resultado.dica and "reinicie o kernel" in resultado.dica


def test_interromper_a_celula_para_a_resposta_tambem():
    antes = threading.active_count()
    despertador = threading.Timer(0.3, _thread.interrupt_main)
    despertador.start()
    saida = sys.stdout
    with pytest.raises(KeyboardInterrupt):
        confere.gelu(laco, segundos=10)
    despertador.join()
    assert sys.stdout is saida and threading.active_count() == antes


def test_carregar_uma_biblioteca_nao_conta_como_demora(tmp_path, monkeypatch):
    (tmp_path / "biblioteca_lenta.py").write_text("import time\nfor _ in range(8): time.sleep(0.1)\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    def minha(x):
        import biblioteca_lenta  # noqa: F401
        return F.gelu(x)

    assert confere.gelu(minha, segundos=0.3).ok


TIPOS_ERRADOS = [3, "abc", [1.0, 2.0], (torch.zeros(2), torch.zeros(2)), {"x": 1}, object(), True, numpy.zeros(3)]


@pytest.mark.parametrize("valor", TIPOS_ERRADOS, ids=lambda v: type(v).__name__)
@pytest.mark.parametrize("exercicio", FUNCOES)
@pytest.mark.uma_em(3)
def test_tipo_errado_e_recusado_com_uma_frase(exercicio, valor):
    resultado = conferir(exercicio, lambda *a: valor)
    assert not resultado.ok and "tropeçou" not in resultado.dica and "Em branco" not in resultado.dica


@pytest.mark.parametrize("forma", [(), (0,), (1,), (2, 3), (2, 3, 4, 5, 6)])
@pytest.mark.parametrize("exercicio", [*FUNCOES, *CAMADAS])
@pytest.mark.uma_em(3)
def test_forma_errada_e_recusada_com_uma_frase(exercicio, forma):
    if exercicio in CAMADAS:
        resposta = type("Minha", (CAMADAS[exercicio],), {"forward": lambda self, x: torch.zeros(forma)})
    else:
        resposta = lambda *a: torch.zeros(forma)
    resultado = conferir(exercicio, resposta)
    assert not resultado.ok and "tropeçou" not in resultado.dica


def test_a_forma_errada_diz_o_que_cada_eixo_e():
    dica = confere.dividir_cabecas(lambda x, nh: x).dica
    for pedaco in ("A forma veio (2, 5, 12)", "(2, 3, 5, 4) = (B, nh, T, hs)", "nh: cabeças", "hs: números por cabeça"):
        assert pedaco in dica
    pistas = corretor.forma_errada((2, 7, 12, 1), (2, 5, 12, 3), "B T C V").resultado.pistas
    assert "Difere, contando os eixos do zero: o 1, o 3." in str(pistas)


def em_nan(valor):
    return tuple(map(em_nan, valor)) if isinstance(valor, tuple) else valor * math.nan


@pytest.mark.parametrize("exercicio", [*FUNCOES, *CAMADAS])
def test_nan_e_recusado(exercicio):
    certa = respostas.PRIMEIRA[exercicio]
    if exercicio in CAMADAS:
        resposta = type("Minha", (certa,), {"forward": lambda self, x: x * math.nan})
    else:
        resposta = lambda *a: em_nan(certa(*a))
    resultado = conferir(exercicio, resposta)
    assert not resultado.ok and "tropeçou" not in resultado.dica


@pytest.mark.parametrize("exercicio", EXERCICIOS)
def test_nao_e_funcao_ou_nao_e_classe(exercicio):
    for valor in (3, "abc", torch.zeros(3), LayerNorm(4)):
        if not (callable(valor) and exercicio in FUNCOES):       # uma camada pode servir de função
            assert "sem chamá-la" in conferir(exercicio, valor).dica
    if exercicio in FUNCOES:
        assert "este exercício pede uma função" in conferir(exercicio, LayerNorm).dica
    else:
        assert not conferir(exercicio, lambda *a: 3).ok


def test_uma_camada_pronta_serve_de_funcao():
    assert confere.gelu(nn.GELU()).ok


class Camaleao:
    """Uma resposta certa que, no caminho, mexe em tudo o que não é dela."""

    def __init__(self, certa):
        self.certa = certa

    def __call__(self, *argumentos):
        torch.manual_seed(1)
        random.seed(1)
        numpy.random.seed(1)
        torch.set_grad_enabled(True)
        valor = self.certa(*argumentos)
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        print("olá")
        return valor


def estado():
    return (random.getstate(), torch.get_rng_state().tolist(), str(numpy.random.get_state()), torch.is_grad_enabled(),
            torch.get_default_dtype(), sys.stdout, sys.stderr, threading.active_count())


@pytest.mark.parametrize("exercicio, resposta", UMA_DE_CADA, ids=nomes(UMA_DE_CADA))
@pytest.mark.lento
def test_nada_do_notebook_muda(exercicio, resposta, capsys):
    if isinstance(resposta, type):
        metodo = "encode" if exercicio == "tokenizador" else "forward"
        certo = getattr(resposta, metodo)
        mexe = type("Mexe", (resposta,), {metodo: lambda self, x: Camaleao(certo)(self, x)})
    else:
        mexe = Camaleao(resposta)
    antes = estado()
    resultado = conferir(exercicio, mexe)
    assert estado() == antes
    assert resultado.ok or exercicio == "amostrar", resultado


@pytest.mark.parametrize("exercicio, resposta", UMA_DE_CADA, ids=nomes(UMA_DE_CADA))
def test_passa_mesmo_num_notebook_sem_gradiente_e_em_64_bits(exercicio, resposta):
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            assert conferir(exercicio, resposta).ok
            assert not torch.is_grad_enabled() and torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("exercicio, resposta, palavras", respostas.ERRADAS[::5], ids=nomes(respostas.ERRADAS[::5]))
@pytest.mark.lento
def test_nada_do_notebook_muda_com_resposta_errada(exercicio, resposta, palavras):
    antes = estado()
    conferir(exercicio, resposta)
    assert estado() == antes


def test_o_que_a_resposta_imprime_aparece_e_nao_inunda(capsys):
    def falante(x):
        for i in range(20_000):
            print("linha", i)
        return F.gelu(x)

    assert confere.gelu(falante).ok
    saida = capsys.readouterr().out
    assert "O seu código imprimiu:\n  linha 0\n" in saida and saida.rstrip().endswith("…") and len(saida) < 400

    assert confere.gelu(lambda x: print(tuple(x.shape)) or F.gelu(x)).ok
    assert capsys.readouterr().out == "O seu código imprimiu:\n  (41,)\n  (2, 3, 4)\n"


def test_um_defeito_do_verificador_nao_derruba_nem_culpa_o_aluno(monkeypatch):
    monkeypatch.setattr(de_feedforward, "_gelu", lambda *a, **k: 1 / 0)
    resultado = confere.gelu(F.gelu)
    assert not resultado.ok and "a culpa é dele" in resultado.dica


def test_nao_ha_estado_entre_chamadas():
    erradas = [(e, r) for e, r, _ in respostas.ERRADAS if e == "layernorm"]
    uma_vez = [conferir(*par) for par in erradas]
    assert [conferir(*par) for par in reversed(erradas)] == uma_vez[::-1]


# -- respostas hostis ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("nome, exercicio, resposta, vale", hostis.CASOS[::67], ids=[c[0] for c in hostis.CASOS[::67]])
def test_resposta_hostil_nao_derruba_nao_engana_e_nao_deixa_rastro(nome, exercicio, resposta, vale):
    assert hostis.tentar(nome, exercicio, resposta, vale) == ""


@pytest.mark.lento
def test_uma_em_cada_tres_respostas_hostis():
    assert len(hostis.CASOS) > 3000
    deterministicas = [um for um in hostis.CASOS if "determinístico" in um[0]]
    assert [problema for um in hostis.CASOS[1::3] + deterministicas if (problema := hostis.tentar(*um))] == []


@pytest.mark.parametrize("efeito", [e for e in hostis.EFEITOS if e != "determinístico"])       # este importa meio torch: fica com os lentos
@pytest.mark.uma_em(3)
def test_a_resposta_mexe_no_que_nao_e_dela_e_tudo_volta(efeito):
    """A errada não engana, o número certo continua certo depois, e nada fica mudado."""
    assert hostis.tentar(efeito, "gelu", hostis._fazendo(hostis.EFEITOS[efeito], RELU), False) == ""
    assert confere.gelu(respostas.feedforward.gelu_tanh).ok


def test_a_pasta_que_a_resposta_apaga_nao_derruba(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def minha(x):
        os.chdir("/")
        tmp_path.rmdir()
        return F.gelu(x)

    assert "O seu código parou" in confere.gelu(minha).dica        # a segunda chamada não a acha mais


def test_um_torch_ja_trocado_no_notebook_nao_engana_nem_e_desfeito(monkeypatch):
    mentira = lambda *a, **k: True
    monkeypatch.setattr(torch, "allclose", mentira)
    monkeypatch.setattr(torch.Tensor, "double", lambda self: torch.zeros(()), raising=False)
    vista = []
    assert not confere.gelu(lambda x: vista.append(torch.allclose) or x).ok
    assert vista[0] is mentira and torch.allclose is mentira


@pytest.mark.parametrize("exercicio, resposta", [par for par in respostas.CERTAS if par[0] == "amostrar"], ids=nomes(p for p in respostas.CERTAS if p[0] == "amostrar"))
@pytest.mark.lento
def test_um_sorteio_certo_nao_e_acusado_por_azar(exercicio, resposta, monkeypatch):
    monkeypatch.setattr(de_geracao, "sorteio", lambda i: corretor.sorteio(1000 + i))
    assert conferir(exercicio, resposta, segundos=30).ok


def test_a_raridade_e_do_tamanho_que_a_prova_diz():
    """Frequências de um sorteio justo passam de t menos vezes que 2e⁻ᵗ por id."""
    p = torch.tensor([0.5, 0.3, 0.15, 0.05])
    sorteios = torch.multinomial(p, 400 * 500, replacement=True, generator=corretor.sorteio(0)).view(500, 400)
    raridades = [de_geracao._raridade(torch.bincount(linha, minlength=4), p) for linha in sorteios]
    for t in (2, 3, 5):
        assert sum(r > t for r in raridades) / 500 < 4 * 2 * math.exp(-t)
    assert de_geracao._raridade(torch.tensor([200, 120, 60, 20]), p) < 1e-4 and de_geracao._raridade(torch.tensor([1, 0]), torch.tensor([0.0, 1])) == math.inf


# -- tempo ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("exercicio", EXERCICIOS)
@pytest.mark.lento
def test_responde_em_menos_de_um_segundo(exercicio):
    resposta = respostas.PRIMEIRA[exercicio]
    tempos = []
    for _ in range(2):          # o menor de dois: o que se mede é o verificador, e não a máquina ocupada
        inicio = time.perf_counter()
        assert conferir(exercicio, resposta).ok
        tempos.append(time.perf_counter() - inicio)
    assert min(tempos) < 1


def test_importar_gptmini_nao_traz_o_confere_e_o_confere_nao_traz_o_matplotlib():
    programa = ("import sys, apoio, gptmini; print('apoio.confere' in sys.modules); apoio.confere.gelu; "
                "print('matplotlib' in sys.modules, 'torch._dynamo' in sys.modules)")
    saida = subprocess.run([sys.executable, "-c", programa], cwd=CAPITULO, capture_output=True, text=True, check=True).stdout
    assert saida.split() == ["False", "False", "False"]


# -- o placar ---------------------------------------------------------------------------------------------

def ler_placar(capsys):
    capsys.readouterr()
    confere.placar()
    return capsys.readouterr().out


def test_o_placar_conta_em_uma_linha(capsys):
    n = len(EXERCICIOS)
    assert ler_placar(capsys) == f"GPT do zero: 0 de {n} exercícios de código.\n"
    confere.gelu(RELU)
    assert f"0 de {n}" in ler_placar(capsys)
    confere.gelu(F.gelu)
    confere.gelu(F.gelu)
    confere.alvos(respostas.treino.alvos_em_blocos)
    confere.forma("01-forma", (2, 3), torch.zeros(2, 3))
    linha = ler_placar(capsys)
    assert linha == f"GPT do zero: 2 de {n} exercícios de código (gelu, alvos) e 1 de outros tipos (01-forma).\n"


def test_o_placar_junta_notebooks_e_sobrevive_ao_kernel(capsys):
    confere.gelu(F.gelu)
    corretor._ACERTOS.clear()                                   # outro kernel
    confere.perda(respostas.treino.perda_cross_entropy)
    confere.gelu(RELU)                           # errar depois não desfaz o acerto
    assert f"2 de {len(EXERCICIOS)}" in ler_placar(capsys)
    corretor._ACERTOS.clear()
    assert f"2 de {len(EXERCICIOS)} exercícios de código (gelu, perda)" in ler_placar(capsys)
    assert pronto.MEU.parent.joinpath("placar.txt").read_text().split() == ["gelu", "perda"]


def test_o_placar_fica_na_memoria_quando_nao_se_pode_gravar(capsys):
    pronto.MEU.parent.parent.joinpath(pronto.MEU.parent.name).write_text("um arquivo no lugar da pasta")
    assert confere.gelu(F.gelu).ok
    assert f"1 de {len(EXERCICIOS)}" in (linha := ler_placar(capsys)) and "não pude gravar" in linha and linha.count("\n") == 1


def test_o_placar_ignora_lixo_no_arquivo(capsys):
    pronto.MEU.parent.mkdir()
    pronto.MEU.parent.joinpath("placar.txt").write_bytes(b"gelu\n\xff\xfe lixo\n" + b"x" * 5000 + b"\n")
    assert ler_placar(capsys) == f"GPT do zero: 1 de {len(EXERCICIOS)} exercícios de código (gelu).\n"


# -- como se mostra ---------------------------------------------------------------------------------------

def test_no_notebook_as_pistas_se_abrem_uma_dentro_da_outra():
    html = confere.gelu(RELU)._repr_html_()
    rotulos = [html.index(r) for r in ("Ainda não.", "Uma pergunta", "O erro", "Onde olhar")]
    assert rotulos == sorted(rotulos) and html.count("<details") == 3 and html.endswith("</details></details></details></div>")
    assert "<details" not in confere.gelu(F.gelu)._repr_html_() and "Certo." in confere.gelu(F.gelu)._repr_html_()


def test_o_que_vem_da_resposta_nao_vira_html():
    def minha(x):
        raise ValueError("<script>alert(1)</script>")

    html = confere.gelu(minha)._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html and "<code>raise ValueError(" in html


def test_no_terminal_e_texto_e_nao_muda():
    resultado = confere.gelu(RELU)
    assert repr(resultado).startswith("Ainda não. Isto é a ReLU") and "r.pistas[0]" in repr(resultado)
    with pytest.raises(AttributeError):
        resultado.ok = True


@pytest.mark.lento
def test_num_kernel_de_notebook():
    import nbformat
    from nbclient import NotebookClient

    preparo = (f"import sys, pathlib; sys.path.insert(0, {str(CAPITULO)!r})\n"
               f"from apoio import confere, pronto; pronto.MEU = pathlib.Path({str(pronto.MEU)!r})")
    celulas = [preparo, "def minha(x):\n    while True:\n        pass\nconfere.gelu(minha, segundos=0.3)",
               "def outra(x):\n    print('passei aqui')\n    return x @ nada\nconfere.gelu(outra)",
               "import torch.nn.functional as F\nconfere.gelu(F.gelu)", "confere.placar()"]
    caderno = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in celulas])
    NotebookClient(caderno, timeout=60, kernel_name="python3").execute()
    textos = [" ".join(str(s.get("text", "")) + str(s.get("data", {}).get("text/html", "")) for s in c.outputs) for c in caderno.cells]
    assert "não terminou em 0,3 s; estava na linha 3, <code>pass</code>" in textos[1] or "na linha 2" in textos[1]
    assert "passei aqui" in textos[2] and "na linha 3, <code>return x @ nada</code>" in textos[2]
    assert "Certo." in textos[3] and f"1 de {len(EXERCICIOS)} exercícios de código (gelu)" in textos[4]


# -- prever, ler, ordenar ---------------------------------------------------------------------------------

q = torch.zeros(2, 3, 10, 8)


@pytest.mark.parametrize("palpite, palavras", [
    (None, "Em branco"), (..., "Em branco"), ((2, 3, 10), "Você disse 3 eixos; são 4 eixos"), ((2, 10, 3, 8), "fora de ordem"),
    ((2, 3, 10, 9), "errou o eixo 3 (hs: números por cabeça)"), ((3, 3, 10, 9), "o eixo 0 (B: textos do lote) e o eixo 3"),
    ("2, 3, 10, 8", "escreva a forma como uma tupla"), (48, "escreva a forma como uma tupla"), ((2.0, 3, 10, 8), "tupla de inteiros")])
def test_forma_errada_diz_o_eixo(palpite, palavras):
    resultado = confere.forma("01-forma", palpite, q, "B nh T hs")
    assert not resultado.ok and palavras in resultado.dica and "10, 8)" not in resultado.dica.replace(repr(palpite), "")


@pytest.mark.parametrize("palpite, certa", [((2, 3, 10, 8), q), ([2, 3, 10, 8], q), (q.shape, (2, 3, 10, 8)), (5, torch.zeros(5)), ((), torch.tensor(1.0))])
def test_forma_certa_passa(palpite, certa):
    assert confere.forma("01-forma", palpite, certa).ok


CONFUSOES = {"Essa é a linha de quem olha, e não a coluna.": 0.21}


@pytest.mark.parametrize("dito, palavras", [
    (None, "Em branco"), ("", "Em branco"), (0.21, "quem olha"), (71, "porcentagem"), ("71%", "porcentagem"), (-0.7, "sinal"),
    (0.5, "O valor é maior que 0,5"), (0.9, "menor que 0,9"), ("Ana", "esperava um número"), (math.nan, "O valor é")])
def test_leitura_errada_de_um_numero(dito, palavras):
    resultado = confere.leitura("01-leitura", dito, torch.tensor(0.71), tolerancia=0.03, confusoes=CONFUSOES)
    assert not resultado.ok and palavras in resultado.dica


@pytest.mark.parametrize("dito", [0.71, 0.7, "0,71", " 0.72 ", torch.tensor(0.7), numpy.float32(0.7)])
def test_leitura_certa_de_um_numero(dito):
    assert confere.leitura("01-leitura", dito, 0.71, tolerancia=0.03, confusoes=CONFUSOES).ok


def test_leitura_de_palavra_e_de_sim_ou_nao():
    assert confere.leitura("a", " «ana» ", "Ana").ok
    assert confere.leitura("a", "Davi", "Ana", confusoes={"Esse é quem olha.": "Davi"}).dica == "Esse é quem olha."
    assert "Não é «pipa»" in confere.leitura("a", "pipa", "Ana").dica and "uma palavra" in confere.leitura("a", 3, "Ana").dica
    assert confere.leitura("a", True, True).ok and "É o contrário" in confere.leitura("a", False, True).dica
    assert "`True` ou `False`" in confere.leitura("a", 1, True).dica
    assert confere.leitura("a", 0, 0).ok and "porcentagem" in confere.leitura("a", 0.3, 30).dica.replace("pede porcentagem", "porcentagem")


@pytest.mark.parametrize("dito, certo", [
    (".5", 0.5), (",5", 0.5), ("4,2", 4.2), ("1e3", 1000), ("1.000,5", 1000.5), ("10 mil", 10_000), ("50 %", 50), ("−3", -3), ("False", False), ("falso", False),
    ("não", False), ("Sim", True), (numpy.bool_(True), True), (numpy.float64(4.2), 4.2), (torch.tensor(4.2), 4.2), (torch.tensor(True), True), (numpy.array(3), 3),
    (decimal.Decimal("4.2"), 4.2), (fractions.Fraction(1, 2), 0.5)], ids=repr)
def test_leitura_entende_o_que_se_escreve(dito, certo):
    assert confere.leitura("a", dito, certo, tolerancia=1e-6 if isinstance(certo, float) else 0).ok


@pytest.mark.parametrize("dito, certo, palavras", [
    (".5", 5, "maior que 0,5"), ((4, 2), 4.2, "o decimal se escreve com ponto"), ("False", 4.2, "Veio 'False'; esperava um número"), (True, 1.0, "esperava um número"),
    (torch.tensor([1, 2]), 4.2, "esperava um número"), (numpy.zeros(3), 4.2, "esperava um número"), (10**400, 4.2, "um inteiro enorme"), (2j, 4.2, "esperava um número"),
    (hostis.SemRepr(), 4.2, "um SemRepr"), (hostis.SempreIgual(), 4.2, "um SempreIgual"), (hostis.Real(4.2), 5.0, "maior que 4,2"), (hostis.Texto("davi"), "Ana", "Não é «davi»"),
    ("talvez", True, "`True` ou `False`"), ("não", True, "É o contrário")], ids=lambda v: type(v).__name__)
def test_leitura_recusa_com_uma_frase(dito, certo, palavras):
    resultado = confere.leitura("a", dito, certo)
    assert not resultado.ok and palavras in resultado.dica


@pytest.mark.parametrize("valor, numero, sim", [
    ("4,2", 4.2, None), ((4, 2), 4.2, None), ((-4, 25), -4.25, None), ("4.2", 4.2, None), (".5", 0.5, None), ("50 %", 50.0, None), ("20x", 20.0, None), ("10 mil", 1e4, None),
    ("1e3", 1000.0, None), (7, 7.0, None), (numpy.float64(4.2), 4.2, None), (torch.tensor(2), 2.0, None), (decimal.Decimal("4.2"), 4.2, None), ("False", None, False),
    ("falso", None, False), ("sim", None, True), ("não", None, False), (numpy.bool_(False), None, False), (True, None, True), (0, 0.0, False), (None, None, None),
    (..., None, None), ("", None, None), ("abc", None, None), (math.nan, None, None), ("1e999", None, None), (10**400, None, None), ([1, 2], None, None),
    (hostis.SemRepr(), None, None), (hostis.SempreIgual(), None, None)], ids=lambda v: type(v).__name__)
def test_palpite_e_numero_ou_sim_ou_nao_e_nunca_uma_excecao(valor, numero, sim, capsys):
    em_branco = valor is None or valor is ... or (isinstance(valor, str) and not valor)
    for tipo, certo in ((float, numero), (bool, sim)):
        dito = confere.palpite(valor, tipo)
        assert dito == certo and type(dito) is type(certo)
        assert bool(frase := capsys.readouterr().out) == (certo is None and not em_branco)
        assert frase.count("\n") <= 1 and frase.startswith("Não entendi o palpite" if frase else "")


def test_palpite_de_palavra_volta_como_se_escreveu():
    assert confere.palpite(" RMSNorm ", str) == "RMSNorm" and confere.palpite(None, str) is None


@pytest.mark.parametrize("nome", list(hostis.PALPITES)[::9])
@pytest.mark.uma_em(3)
def test_palpite_hostil_ouve_uma_frase_em_todas_as_portas(nome):
    assert hostis.tentar_palpite(nome, hostis.PALPITES[nome]) == ""


@pytest.mark.parametrize("palpite", [(numpy.int64(2), 5), numpy.array([2, 5]), torch.tensor([2, 5]), torch.Size((2, 5)), [torch.tensor(2), 5]], ids=lambda v: type(v).__name__)
def test_forma_aceita_inteiros_de_todo_tipo(palpite):
    assert confere.forma("a", palpite, (2, 5)).ok


@pytest.mark.parametrize("palpite", ["(2, 5)", "2, 5", ((2, 5),), (True, 5), (2.0, 5), {2, 5}, numpy.zeros((2, 5)), torch.zeros(2, 5), 5, hostis.SemRepr(), hostis.Lista([2, 5, 1])],
                         ids=lambda v: type(v).__name__)
def test_forma_recusa_o_resto_com_uma_frase(palpite):
    dica = confere.forma("a", palpite, (2, 5)).dica
    assert "tupla de inteiros" in dica or "Você disse 3 eixos" in dica


LINHAS = {
    "A": "x = x + self.attention(h)",
    "B": "return x + self.feedforward(h)",
    "C": "h = self.norm1(x)",
    "D": "h = self.norm2(x)",
}


@pytest.fixture
def bloco():
    torch.manual_seed(0)
    bloco = TransformerBlock(corretor.FICHA)
    return corretor.sortear_pesos(bloco, 0), torch.randn(2, 5, 12)


@pytest.mark.parametrize("resposta", ["CADB", "cadb", "C A D B", "C, A, D, B", list("CADB"), ("C", "A", "D", "B")])
def test_ordem_certa_passa(bloco, resposta):
    assert confere.ordem("04-ordem", resposta, LINHAS, *bloco).ok


@pytest.mark.parametrize("resposta, palavras, pista", [
    (None, "Em branco", None), ("", "Em branco", None), ("CAD", "Falta B", "4 linhas"), ("CADBE", "Não há linha E", "4 linhas"),
    ("CCADB", "repetida a linha C", "4 linhas"), ("CABD", "A linha B devolve o resultado", "vai no fim"),
    ("ACDB", "A linha A usa `h`, que ainda não foi criado", "Basta mudar de lugar a linha"),
    ("DACB", "o resultado é outro", "mais de uma linha"), ("CDAB", "o resultado é outro", "Basta mudar de lugar a linha")])
def test_ordem_errada_diz_a_linha(bloco, resposta, palavras, pista):
    resultado = confere.ordem("04-ordem", resposta, LINHAS, *bloco)
    assert not resultado.ok and palavras in resultado.dica
    assert pista is None or pista in resultado.pistas[1]


@pytest.mark.parametrize("resposta", ["C → A → D → B", "C>A>D>B", ["CA", "db"], "C\nA\nD\nB", "c-a-d-b"], ids=repr)
def test_ordem_entende_outros_jeitos_de_escrever(bloco, resposta):
    assert confere.ordem("04-ordem", resposta, LINHAS, *bloco).ok


@pytest.mark.parametrize("resposta", [{"C", "A", "D", "B"}, 3, b"CADB", [1, 2], torch.zeros(3), hostis.SemRepr(), {"C": 1}], ids=lambda v: type(v).__name__)
def test_ordem_recusa_o_que_nao_sao_letras(bloco, resposta):
    assert "escreva as letras na ordem" in confere.ordem("04-ordem", resposta, LINHAS, *bloco).dica


def test_ordem_culpa_a_primeira_linha_fora_do_lugar_e_nao_a_que_para():
    def conta(x):
        metade = x.view(2, 3)
        x = metade * 2
        soma = x + metade
        return soma

    linhas = {"A": "x = metade * 2", "B": "return soma", "C": "metade = x.view(2, 3)", "D": "soma = x + metade"}
    x = torch.ones(6)
    assert confere.ordem("x", "CADB", linhas, conta, x).ok
    resultado = confere.ordem("x", "CDAB", linhas, conta, x)       # em D os tamanhos ainda não combinam
    assert "A linha D" in resultado.dica and "Basta mudar de lugar a linha D" in resultado.pistas[1]

    def outra(x):
        x = x.view(2, 3)
        x = x * 2
        x = x.sum(1)
        return x.view(1, 2)

    linhas = {"A": "x = x.sum(1)", "B": "return x.view(1, 2)", "C": "x = x * 2", "D": "x = x.view(2, 3)"}
    resultado = confere.ordem("x", "CADB", linhas, outra, x)
    assert "A linha A está fora do lugar" in resultado.dica or "A linha A não roda" in resultado.dica


def test_ordem_culpa_a_linha_que_atrasou_e_nao_a_que_veio_cedo_por_isso():
    def conta(x):
        B, T = x.shape
        a = x.sum(1) / T
        b = a * B
        return b

    linhas = {"A": "B, T = x.shape", "B": "a = x.sum(1) / T", "C": "b = a * B", "D": "return b"}
    resultado = confere.ordem("x", "BACD", linhas, conta, torch.ones(2, 3))
    assert "A linha B usa `T`" in resultado.dica
    resultado = confere.ordem("x", "BCAD", linhas, conta, torch.ones(2, 3))      # B e C estão certas entre si: a que atrasou é a A
    assert "A linha B usa `T`" in resultado.dica and resultado.pistas[1] == "Basta mudar de lugar a linha A."


def test_ordem_aceita_qualquer_ordem_que_da_o_mesmo():
    def conta(a, b):
        soma = a + b
        produto = a * b
        return soma / produto

    linhas = {"A": "return soma / produto", "B": "produto = a * b", "C": "soma = a + b"}
    a, b = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.0])
    assert confere.ordem("x", "CBA", linhas, conta, a, b).ok and confere.ordem("x", "BCA", linhas, conta, a, b).ok
    assert "devolve" in confere.ordem("x", "ABC", linhas, conta, a, b).dica


def test_ordem_que_para_diz_a_linha_e_nao_estraga_as_entradas():
    def conta(x):
        x = x.view(2, 3)
        x = x @ torch.ones(3, 2)
        return x

    linhas = {"A": "x = x @ torch.ones(3, 2)", "B": "x = x.view(2, 3)", "C": "return x"}
    x = torch.ones(6)
    assert "A linha A não roda nesse ponto" in confere.ordem("x", "ABC", linhas, conta, x).dica
    assert torch.equal(x, torch.ones(6))


def test_sem_o_numero_de_gradientes_maior_que_um_o_corte_da_licao_nao_muda_o_passo():
    """A licença que passo_de_treino dá a quem encolhe os gradientes, como `train_steps`, depende disto."""
    normas = []

    def espiao(model, optimizer, x, y):
        loss = model(x, y)[1]
        optimizer.zero_grad()
        loss.backward()
        normas.append(torch.nn.utils.clip_grad_norm_(model.parameters(), math.inf).item())
        optimizer.step()
        return loss.item()

    assert confere.passo_de_treino(espiao).ok and max(normas) < 1


def test_o_modelo_de_gerar_nao_repete_sempre_o_mesmo_token():
    textos = []
    confere.gerar(lambda model, idx, n: textos.append(respostas.geracao.gerar_do_curso(model, idx, n)) or textos[-1])
    assert len(set(textos[1][0].tolist())) > 3


def test_gptmini_e_mesmo_o_que_a_conta_de_parametros_diz():
    for ficha in (corretor.FICHA, replace(corretor.FICHA, bias=False), replace(corretor.FICHA, tie_weights=False)):
        assert de_bloco._parametros(ficha).item() == GPTMini(ficha).num_parameters()


def test_a_saida_de_texto_do_verificador_e_io():
    gaveta = corretor._Gaveta()
    assert isinstance(gaveta, io.StringIO) and gaveta.write("abc") == 3
