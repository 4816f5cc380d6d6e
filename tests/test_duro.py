"""Entradas ruins aos milhares, sorteadas: cada porta responde certo ou recusa com uma frase do curso.

«Recusar» é um `raise` nosso, com uma frase em português (o juiz é o da bancada, tests/portas.py). Um erro que nasce no
PyTorch, ainda que numa linha nossa, ou um resultado errado e calado, reprova. O hypothesis sorteia as entradas e, quando
acha uma que reprova, a encolhe até a menor. A contagem inteira é `python tests/portas.py`; aqui corre uma amostra dela.
"""

import re
import shutil
import unicodedata

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import portas
from apoio import historinhas, pronto
from gptmini import CharTokenizer, GPTConfig, GPTMini, UnknownTokenError, WordTokenizer, generate, generate_cached

TEXTOS = ["Ana tinha uma pipa azul.", "— Que bom! — disse o beija-flor,\ne voou: era dia; era noite?"]
PALAVRAS, LETRAS = WordTokenizer(TEXTOS), CharTokenizer(TEXTOS)


def vezes(n):
    return settings(max_examples=n, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def recusa(erro):
    """Se quem levantou o erro foi um `raise` do curso, e com uma frase; o que faltar vai dito no assert."""
    defeito = portas.defeito_da_recusa(erro)
    assert not defeito, f"{defeito}: {type(erro).__name__}: {erro}"
    return True


# -- o próprio juiz ---------------------------------------------------------------------------------------

UM_ERRO_NOSSO = """
def em_c(x): return [1, 2][x]
def em_c_na_linha_do_raise(x): raise ValueError(f"o valor veio {x!r:.{x}}; esperava um inteiro.")
def repassa(x):
    try: int("a")
    except ValueError: raise
def ingles(x): raise ValueError("expected an integer, got something else")
def duas_linhas(x): raise ValueError("x veio errado;\\nesperava um inteiro.")
def comprida(x): raise ValueError("x veio " + "x" * 500 + "; esperava um inteiro.")
def tipo(x): raise KeyError("x veio errado; esperava um inteiro.")
def calada(x): raise ValueError("não")
def sem_imprimir(x): raise ValueError("x veio \\ud800; esperava um inteiro.")
def boa(x):
    raise ValueError(
        f"x veio {x}; esperava um inteiro "
        "maior que zero.") from None
def boa_de_outra(x):
    try: int("a")
    except ValueError as erro: raise TypeError(f"x veio {x}; esperava um inteiro.") from erro
def com_limpeza(x):
    try: boa(x)
    finally: x = 1
"""


@pytest.mark.parametrize("nome, boa", [("em_c", False), ("em_c_na_linha_do_raise", False), ("repassa", False), ("ingles", False), ("duas_linhas", False), ("comprida", False),
                                       ("tipo", False), ("calada", False), ("sem_imprimir", False), ("boa", True), ("boa_de_outra", True), ("com_limpeza", True)])
def test_o_juiz_so_aceita_um_raise_nosso_com_frase(nome, boa):
    nossas = {}
    exec(compile(UM_ERRO_NOSSO, str(portas.CAPITULO / "gptmini" / "de_mentira.py"), "exec"), nossas)
    with pytest.raises(Exception) as erro:
        nossas[nome]("abc")
    assert (not portas.defeito_da_recusa(erro.value)) == boa


def test_o_mesmo_raise_fora_do_curso_nao_e_recusa():
    with pytest.raises(ValueError) as erro:
        raise ValueError("x veio errado; esperava um inteiro.")
    assert "fora de um raise nosso" in portas.defeito_da_recusa(erro.value)


# -- texto e ids ------------------------------------------------------------------------------------------


@vezes(1500)
@given(st.lists(st.integers(1, PALAVRAS.vocab_size - 1), min_size=1, max_size=30))
@pytest.mark.lento
def test_ids_viram_texto_e_voltam(ids):
    assert PALAVRAS.encode(PALAVRAS.decode(ids)) == ids


@vezes(1500)
@given(st.one_of(st.text(min_size=1), st.text(alphabet="".join(TEXTOS) + " \t\n", min_size=1)), st.sampled_from([PALAVRAS, LETRAS]))
@pytest.mark.lento
def test_qualquer_texto_e_recusado_ou_cabe_inteiro_nos_ids(texto, tokenizer):
    try:
        ids = tokenizer.encode(texto)
    except ValueError as erro:
        assert recusa(erro)
        if isinstance(erro, UnknownTokenError):
            assert erro.token in unicodedata.normalize("NFC", texto) and erro.token not in tokenizer.vocab[1:]
        return
    de_volta, pedido = tokenizer.decode(ids), unicodedata.normalize("NFC", texto)
    if tokenizer is LETRAS:
        assert de_volta == pedido
    assert re.sub(r"\s", "", de_volta) == re.sub(r"\s", "", pedido)


@vezes(1000)
@given(st.lists(st.one_of(st.integers(-5, 60), st.floats(), st.text(max_size=3), st.none()), max_size=6))
@pytest.mark.lento
def test_decode_aceita_ids_ou_recusa(ids):
    try:
        texto = PALAVRAS.decode(ids)
    except (TypeError, ValueError) as erro:
        assert recusa(erro)
        return
    assert all(portas.como_int(i) is not None and 0 <= i < PALAVRAS.vocab_size for i in ids) and isinstance(texto, str)


# -- a ficha e a geração ----------------------------------------------------------------------------------

QUALQUER = st.one_of(st.none(), st.booleans(), st.integers(-3, 12), st.floats(), st.text(max_size=3), st.just([1]))


@vezes(1500)
@given(st.tuples(*[QUALQUER] * 5), QUALQUER, QUALQUER, QUALQUER)
@pytest.mark.lento
def test_a_ficha_monta_um_modelo_ou_e_recusada(tamanhos, dropout, bias, tie):
    try:
        ficha = GPTConfig(*tamanhos, dropout, bias, tie)
    except (TypeError, ValueError) as erro:
        assert recusa(erro)
        return
    idx = torch.zeros(1, ficha.context_length, dtype=torch.long)
    assert GPTMini(ficha)(idx)[0].shape == (1, ficha.context_length, ficha.vocab_size)


@pytest.fixture(scope="module")
def modelo():
    torch.manual_seed(0)
    return GPTMini(GPTConfig(vocab_size=7, context_length=5, d_model=8, n_heads=2, n_layers=1)).eval()


IDS = st.one_of(
    st.lists(st.lists(st.integers(0, 6), min_size=3, max_size=3), min_size=1, max_size=2).map(torch.tensor),
    st.lists(st.integers(-2, 9), max_size=7).map(lambda ids: torch.tensor([ids])),
    st.lists(st.floats(0, 6), max_size=3).map(lambda ids: torch.tensor([ids])),
    st.lists(st.integers(0, 6), max_size=3), st.just(torch.tensor(1)), st.just(torch.zeros(2, 2, 2, dtype=torch.long)), QUALQUER,
)


@vezes(800)
@given(idx=IDS, n=st.one_of(st.integers(0, 8), QUALQUER), temperature=st.one_of(st.floats(0, 3), QUALQUER),
       top_k=st.one_of(st.none(), st.integers(1, 9), QUALQUER), stop=st.one_of(st.none(), st.integers(0, 6), QUALQUER),
       gerar=st.sampled_from([generate, generate_cached]))
def test_a_geracao_continua_o_texto_ou_recusa(modelo, idx, n, temperature, top_k, stop, gerar):
    try:
        saida = gerar(modelo, idx, n, temperature, top_k, stop, torch.Generator().manual_seed(0))
    except (TypeError, ValueError) as erro:
        assert recusa(erro)
        assert not modelo.training
        return
    B, T = idx.shape
    assert torch.equal(saida[:, :T], idx) and saida.size(0) == B and T <= saida.size(1) <= T + n
    assert saida.min() >= 0 and saida.max() < 7
    if stop is None:
        assert saida.size(1) == T + n


@pytest.mark.parametrize("gerar", [generate, generate_cached])
def test_um_id_impossivel_fora_da_janela_tambem_e_recusado(modelo, gerar):
    with pytest.raises(ValueError, match="o vocabulário vai de 0 a 6"):
        gerar(modelo, torch.tensor([[-1, 0, 0, 0, 0, 0]]), 1)


@vezes(100)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=9), st.floats(0, 2), st.integers(1, 7), st.integers(0, 12))
@pytest.mark.lento
def test_com_cache_os_mesmos_tokens(modelo, ids, temperature, top_k, n):
    escritos = [gerar(modelo, torch.tensor([ids]), n, temperature, top_k, None, torch.Generator().manual_seed(1))
                for gerar in (generate, generate_cached)]
    assert torch.equal(*escritos)


# -- a gramática ------------------------------------------------------------------------------------------

TOML = historinhas.ARQUIVO.read_text(encoding="utf-8")
CORTES = [m.start() for m in historinhas.ENREDO.finditer(TOML)]
PEQUENO = TOML[: CORTES[1]]


@st.composite
def estragos(draw):
    """O arquivo de um enredo só, com pedaços apagados, trocados de lugar ou trocados por outros sinais."""
    texto = PEQUENO
    for _ in range(draw(st.integers(1, 3))):
        i = draw(st.integers(0, len(texto) - 1))
        j = min(len(texto), i + draw(st.integers(0, 40)))
        novo = draw(st.one_of(st.just(""), st.text(alphabet="{}[]\"=,. \nabAZçã1#", max_size=6), st.just(texto[i:j] * 2)))
        texto = texto[:i] + novo + texto[j:]
    return texto


@vezes(100)
@given(estragos())
@pytest.mark.lento
def test_um_toml_estragado_e_recusado_com_o_lugar_ou_ainda_serve(tmp_path_factory, texto):
    arquivo = tmp_path_factory.getbasetemp() / "estragado.toml"
    arquivo.write_text(texto, encoding="utf-8")
    try:
        gramatica = historinhas.Gramatica(arquivo=arquivo)
    except historinhas.GramaticaInvalida as erro:
        assert recusa(erro)
        return
    historia = gramatica.sortear(1, semente=0)[0]
    assert gramatica.analisar(historia.texto).log_prob == pytest.approx(historia.log_prob)


# -- os arquivos do modelo --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guardado(tmp_path_factory, modelo):
    pasta = tmp_path_factory.mktemp("modelo")
    tokenizer = WordTokenizer(["a b c d e f"])
    return pronto.guardar(modelo, tokenizer, pasta / "inteiro.pt"), pronto.ler(pasta / "inteiro.pt")[0].state_dict()


def confere_leitura(caminho, pesos):
    try:
        model, _, _ = pronto.ler(caminho)
    except pronto.ModeloInvalido as erro:
        assert recusa(erro)
        return False
    assert all(torch.equal(p, pesos[nome]) for nome, p in model.state_dict().items())
    return True


@vezes(300)
@given(st.integers(0, 10**9), st.integers(0, 7))
def test_um_bit_trocado_no_modelo_e_recusado_ou_nao_muda_nada(guardado, onde, bit):
    inteiro, pesos = guardado
    dados = bytearray(inteiro.read_bytes())
    dados[onde % len(dados)] ^= 1 << bit
    estragado = inteiro.with_name("estragado.pt")
    estragado.write_bytes(dados)
    confere_leitura(estragado, pesos)


@vezes(100)
@given(st.integers(0, 10**9))
def test_um_modelo_cortado_e_recusado(guardado, corte):
    inteiro, pesos = guardado
    cortado = inteiro.with_name("cortado.pt")
    cortado.write_bytes(inteiro.read_bytes()[: corte % inteiro.stat().st_size])
    assert not confere_leitura(cortado, pesos)


def test_o_modelo_inteiro_e_lido(guardado):
    inteiro, pesos = guardado
    copia = shutil.copy(inteiro, inteiro.with_name("copia.pt"))
    assert confere_leitura(copia, pesos)
