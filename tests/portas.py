"""A bancada das portas: cada porta pública × cada tipo de entrada ruim, e o que ela respondeu.

    python tests/portas.py                         10.000 tentativas: as mesmas tantas em cada porta, e um quinto de pares sorteados
    python tests/portas.py --tudo                  todas as combinações de uma em uma (umas 38.000), e nenhum par
    python tests/portas.py --so generate           só as portas cujo nome começa assim, todas as combinações
    python tests/portas.py --tenta 'generate: idx=np.array(3)'      uma tentativa, com o traceback inteiro

Uma entrada ruim é uma expressão de Python, escrita como alguém a escreveria: a lista do que falhou se copia e se roda.
Cada tentativa dá em uma de três coisas:

    resposta   a porta aceitou, a entrada tinha um sentido só (`vale`), e o resultado é o que a porta promete (`confere`)
    recusa     um erro levantado por uma linha nossa, com uma frase em português, e nada ficou mexido
    crua       todo o resto: erro que nasceu noutro lugar, frase em inglês, resposta errada e calada, estado mexido, demora

O que fica de fora, de propósito: número errado de argumentos e nome de argumento que não existe são contrato do próprio
Python (`TypeError`, que diz a função e o nome); e o erro que nasce dentro de um objeto de quem chama enquanto ele é
percorrido ou chamado (um gerador que lê arquivos, um `on_step`) passa como veio: é dele.
"""

import argparse
import collections
import contextlib
import copy
import dataclasses
import datetime
import decimal
import dis
import enum
import fractions  # noqa: F401  (as expressões dos casos o usam)
import importlib  # noqa: F401
import io
import itertools
import json
import math
import numbers
import operator
import os
import pickle
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import types
import unicodedata
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
RAIZ = Path(__file__).resolve().parent.parent
CAPITULO = RAIZ / "04-gpt-do-zero"
sys.path[:0] = [p for p in (str(RAIZ), str(CAPITULO)) if p not in sys.path]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

import apoio  # noqa: E402
import gptmini  # noqa: E402, F401
from apoio import arquivos, confere, corpus, corrida, historinhas, interativo, ponto, por_dentro, pronto, publicar, treinar, veja  # noqa: E402
from gptmini import (  # noqa: E402
    CausalSelfAttention,
    CharTokenizer,
    FeedForward,
    GPTConfig,
    GPTMini,
    KVCache,
    LayerNorm,
    Step,
    TransformerBlock,
    UnknownTokenError,
    WordTokenizer,
    batches,
    carregar_gpt2,
    evaluate,
    generate,
    generate_cached,
    sample,
    train,
    train_steps,
)

DEMORA, MEMORIA = 4.0, 3 << 30      # o que uma tentativa pode gastar: segundos e bytes

# ---------------------------------------------------------------- o que é uma boa recusa

NOSSO = str(CAPITULO)
DIZ = re.compile(r"\b(veio|vieram|esperav\w+|esperad\w+|recebi|recebe|não|nao|precisa\w*|preciso|tem|têm|use|passe|dê|está|estão|falta\w*|"
                 r"sobra\w*|confira|escreva|escolha|existe\w*|pede|pedia|cabe\w*|tente|traga|rode|desconhecid\w*|guarde|salve|crie|comece|aparece|há|vazi[ao])\b", re.IGNORECASE)
INGLES = re.compile(r"\b(the|must|expected|got|should|cannot|can't|couldn't|unsupported|unexpected|invalid|required|missing|found|"
                    r"has|have|takes|was|were|when|with|without|object is|is not|does not|of type|out of|too many|failed|error|"
                    r"argument|iterable|subscriptable|callable)\b", re.IGNORECASE)
ALHEIO = re.compile(r"«[^»]*»|`[^`]*`|'[^']*'|\"[^\"]*\"|<[^>]*>|\b\w+\.\w+\b")       # o que a frase cita não é frase


class DoDono(Exception):
    """Um erro que nasce num objeto de quem chama; passar como veio está certo só onde o objeto foi mesmo usado."""


class Demora(BaseException):
    pass


def defeito_da_frase(frase):
    """Por que a frase não serve a quem estuda; vazio, se serve."""
    try:
        frase.encode()
    except UnicodeEncodeError:
        return "a frase não se pode imprimir"
    if "\n" in frase.strip() or any(unicodedata.category(c) == "Cc" for c in frase):
        return "a frase tem mais de uma linha, ou sinais de controle"
    if len(frase) > 400:
        return "a frase tem mais de 400 letras"
    limpa = ALHEIO.sub(" ", frase)
    if ingles := INGLES.search(limpa):
        return f"inglês na frase: «{ingles[0]}»"
    if len(frase.split()) < 4 or not DIZ.search(limpa):
        return "a frase não diz o que veio nem o que fazer"
    return ""


def levantado_por_nos(erro):
    """Se o quadro mais fundo é de um módulo do curso e o que ele fazia era um `raise`."""
    passo = erro.__traceback__
    if passo is None:
        return False
    while passo.tb_next:
        passo = passo.tb_next
    codigo = passo.tb_frame.f_code
    return codigo.co_filename.startswith(NOSSO) and dis.opname[codigo.co_code[passo.tb_lasti]] == "RAISE_VARARGS"


def defeito_da_recusa(erro, tipos=(TypeError, ValueError, OSError)):
    """Por que este erro não é uma recusa do curso; vazio, se é."""
    if not isinstance(erro, tipos) or isinstance(erro, UnicodeError):
        return f"{type(erro).__name__} cru"
    if not levantado_por_nos(erro):
        return f"{type(erro).__name__} que nasceu fora de um raise nosso"
    return defeito_da_frase(str(erro))


# ---------------------------------------------------------------- objetos hostis (os nomes aparecem nas expressões)


def _dono(*_, **__):
    raise DoDono("erro de quem chama")


class ReprRuim:
    __repr__ = __str__ = _dono


class IgualRuim:
    __eq__ = __ne__ = __bool__ = _dono
    __hash__ = object.__hash__


class IndiceRuim:
    __index__ = __int__ = __float__ = _dono


class IndiceMentiroso:
    def __index__(self):
        return "2"


class IterRuim:
    __iter__ = __getitem__ = _dono


class LenMentiroso:
    def __len__(self):
        return -3

    def __getitem__(self, i):
        return i


class AtributoRuim:
    __getattr__ = _dono


class TudoTem:
    """Como um `Mock`: responde a qualquer atributo."""

    def __getattr__(self, nome):
        return TudoTem() if not nome.startswith("__") else object.__getattribute__(self, nome)


class Inteiro(int):
    pass


class Texto(str):
    __slots__ = ()


class Cor(enum.IntEnum):
    AZUL = 2


class Gigante:
    def __iter__(self):
        return iter(range(2))

    def __len__(self):
        return 10**18


def em_si():
    lista = []
    lista.append(lista)
    return lista


def fundo(n=3_000):
    lista = []
    for _ in range(n):
        lista = [lista]
    return lista


def gasto():
    g = iter([1, 2])
    list(g)
    return g


def parou():
    yield 1
    raise DoDono("no meio")


GENERICOS = """
None
True
False
-1
0
1
10**30
-10**30
2.0
2.5
math.nan
math.inf
-math.inf
1e308
5e-324
1j
np.int64(2)
np.int8(-1)
np.uint64(2**63)
np.float32(0.5)
np.float64('nan')
np.bool_(True)
np.array(True)
torch.tensor(True)
np.array(3)
np.array([1, 2, 3])
np.array([[1, 2, 3]])
np.array([[1.0, 2.5]])
np.array([1, 'a', None], dtype=object)
np.array([])
np.array(['a', 'b'])
torch.tensor(2)
torch.tensor(2.5)
torch.tensor([1, 2, 3])
torch.tensor([[1, 2, 3]])
torch.tensor([[1.0, 2.0]])
torch.tensor([1.0, math.nan])
torch.tensor([[True, False]])
torch.tensor([[1j]])
torch.tensor([[1.0, 2.0]]).half()
torch.tensor([[1, 2]], dtype=torch.int8)
torch.zeros(1, 3, dtype=torch.long, device='meta')
torch.zeros(2, 3, device='meta')
torch.empty(0)
torch.zeros(1, 0, dtype=torch.long)
torch.zeros(0, 3, dtype=torch.long)
torch.zeros(2, 2, 2, 2)
torch.tensor([[1, 2]]).to_sparse()
torch.full((1, 3), 10**18)
torch.randn(3, requires_grad=True)
''
' '
'a'
'2'
'0.5'
'0,5'
'False'
'a\\x00b'
'a\\ud800'
'a\\u0301'
'\\u202eabc\\n\\x1b[31m'
'🦜'
'x' * 10_000_000
b'abc'
bytearray(b'a')
[]
[1, 2]
[1.5, 2.0]
[True, False]
[None]
['a', 2]
[[1, 2], [3]]
[[1, 2], [3, 4]]
[[1.5, 2.0]]
[[True, False, True]]
[[]]
[1, [2]]
()
(1, 2)
{1, 2}
{}
{'a': 1}
range(3)
(i for i in [1, 2])
gasto()
parou()
iter('ab')
[0] * 20_000
em_si()
fundo()
object()
int
GPTMini
lambda *a: None
print
math
ReprRuim()
[ReprRuim()]
IgualRuim()
IndiceRuim()
IndiceMentiroso()
IterRuim()
LenMentiroso()
AtributoRuim()
TudoTem()
Gigante()
Inteiro(2)
Texto('a')
Cor.AZUL
decimal.Decimal('2')
fractions.Fraction(1, 2)
datetime.date(2026, 1, 1)
pasta
pasta / 'falta' / 'x.pt'
pasta / 'cano'
pasta / 'texto.txt'
Path('')
ValueError('x')
NotImplemented
...
collections.deque([1, 2])
memoryview(b'ab')
slice(3)
""".strip().splitlines()
PASSAM = {"parou()", "IterRuim()", "AtributoRuim()", "IndiceRuim()", "[IndiceRuim()] * 30"}     # o erro é do objeto, e só se sabe dele ao usá-lo


# ---------------------------------------------------------------- tipos de parâmetro: o que vale


@dataclasses.dataclass(frozen=True)
class Tipo:
    """`vale(v, a)`: se responder a `v` está certo; `deve`: o que não se pode recusar; `ruins`: mais entradas deste tipo."""

    vale: object
    deve: tuple = ()
    ruins: tuple = ()
    genericos: tuple = tuple(GENERICOS)


def como_int(v):
    """O inteiro que `v` é, sem arredondar nem contar verdadeiros; None, se não é um."""
    if isinstance(v, (bool, np.bool_)) or getattr(v, "dtype", None) in (torch.bool, np.dtype(bool)):
        return None
    try:
        return int(operator.index(v))
    except BaseException:
        return None


def inteiro(menor=-math.inf, maior=math.inf, nulo=False, ruins=(), sem=()):
    def vale(v, a):
        i = como_int(v)
        return (nulo and v is None) or (i is not None and menor <= i <= maior)
    return Tipo(vale, ("np.int64(2)", "Inteiro(2)"), tuple(ruins), tuple(g for g in GENERICOS if g not in sem))


def real(menor=-math.inf, maior=math.inf, aberto=False, nulo=False, deve=("np.float32(0.5)", "0.5"), ruins=()):
    def vale(v, a):
        if nulo and v is None:
            return True
        if isinstance(v, (bool, np.bool_, complex, str, bytes)) or getattr(v, "dtype", None) in (torch.bool, np.dtype(bool)):
            return False
        if not isinstance(v, (numbers.Real, decimal.Decimal, torch.Tensor, np.ndarray)) or getattr(v, "ndim", 0):
            return False
        try:
            x = float(v)
        except BaseException:
            return False
        return math.isfinite(x) and (menor < x < maior if aberto else menor <= x <= maior)
    return Tipo(vale, deve, tuple(ruins))


LOGICO = Tipo(lambda v, a: isinstance(v, (bool, np.bool_)), ruins=("'True'", "'não'", "'sim'"))
FRASE = Tipo(lambda v, a: isinstance(v, str), ruins=("'linha\\nlinha'", "'</script><b>'"))


def ids_de(v):
    """A lista de ids que `v` é, sem converter nada; None se não é uma. De nada sai lista nenhuma, seja qual for a forma."""
    if isinstance(v, (torch.Tensor, np.ndarray)) and not getattr(v, "is_nested", False) and 0 in v.shape:
        return []
    if isinstance(v, torch.Tensor):
        if v.is_floating_point() or v.is_complex() or v.dtype == torch.bool or v.dim() != 1 or v.is_meta:
            return None
        return v.tolist()
    if isinstance(v, np.ndarray):
        return v.tolist() if v.ndim == 1 and v.dtype.kind in "iu" else None
    if isinstance(v, (str, bytes, bytearray, memoryview, dict, set, LenMentiroso)):
        return None
    try:
        saida = [como_int(i) for i in itertools.islice(v, 10**6)]
    except BaseException:
        return None
    return None if None in saida else saida


IDS_1 = Tipo(lambda v, a: (i := ids_de(v)) is not None and all(0 <= x < a.V for x in i),
             ruins=("[0, 8]", "[0, 9]", "[-1]", "[10**30]", "[1.0]", "torch.tensor([1, 2], dtype=torch.int32)", "[torch.tensor(1)]", "['1']",
                    "np.array([1, 2], dtype=np.uint8)", "[[1, 2]]", "[np.bool_(True)]"))


def _idx(v, a, maior=math.inf):
    return (isinstance(v, torch.Tensor) and not v.is_floating_point() and v.dtype != torch.bool and not v.is_complex() and v.dim() == 2
            and v.numel() > 0 and not v.is_sparse and v.size(1) <= maior
            and (v.is_meta or (0 <= v.amin() and v.amax() < a.V)))


IDX_RUINS = ("torch.tensor([[9]])", "torch.tensor([[-1]])", "torch.tensor([[1, 2]], dtype=torch.int32)", "torch.tensor([[1]], dtype=torch.uint8)",
             "torch.tensor([[1]], dtype=torch.int16)", "torch.zeros(1, 6, dtype=torch.long)", "torch.zeros(1, 3, dtype=torch.long).expand(2, 3)",
             "torch.tensor([[0, 1], [2, 3]]).T", "nn.Parameter(torch.ones(1, 2))", "torch.nested.nested_tensor([torch.tensor([1])])",
             "[torch.tensor([1])]", "torch.zeros(1, 2, dtype=torch.long, device='meta')", "np.array([[1, 2]])",
             "torch.nn.utils.rnn.pack_sequence([torch.tensor([1])])")
IDX = Tipo(lambda v, a: _idx(v, a) and not v.is_meta, ruins=IDX_RUINS)
IDX_CURTO = Tipo(lambda v, a: _idx(v, a, a.ficha.context_length), ruins=IDX_RUINS)


def _exemplos(v, a, V=None):
    V = V or a.V
    if isinstance(v, (dict, set, str, bytes, bytearray, memoryview)) or isinstance(v, (LenMentiroso, Gigante)):
        return False
    T = a.ficha.context_length
    if isinstance(v, (torch.Tensor, np.ndarray)) and v.ndim == 2:
        v = list(v)
    if (ids := ids_de(v)) is not None:
        return len(ids) > T and all(0 <= i < V for i in ids)
    try:
        linhas = [ids_de(x) for x in itertools.islice(v, 10**5)]
    except BaseException:
        return False
    return bool(linhas) and all(x is not None and 2 <= len(x) <= T + 1 and all(0 <= i < V for i in x) for x in linhas)


EXEMPLOS_RUINS = (
    "[[0, 1.7, 2, 0]]", "[[0, 1.0, 0]]", "[0.0, 1.0, 2.0] * 9", "[[0, True, 0]]", "[[0, 9, 0]]", "[[0, -1, 0]]", "[[0, -100, 0]]", "[0, 1, 9] * 9",
    "[0, 1, -1] * 9", "[0, 1, 2, [3]] * 9", "[[0, 1], 2]", "[2, [0, 1]]", "'abc'", "'abcabcabcabc'", "['abc', 'ab']", "[b'ab']", "b'abcabcabc'",
    "[[0, 1, 2], None]", "[None, [0, 1]]", "[[0]]", "[[0] * 7]", "[0] * 5", "[0] * 6", "torch.randint(9, (30,))", "torch.randint(9, (4, 5))",
    "torch.rand(30)", "torch.rand(4, 5)", "np.arange(30) % 9", "np.arange(20).reshape(4, 5) % 9", "np.random.rand(30)",
    "[torch.tensor([0, 1, 0])]", "[np.array([0, 1, 0])]", "[torch.tensor([0.5, 1.5])]", "[np.array([0.5, 1.5])]", "([0, 1, 0] for _ in range(3))",
    "(i % 9 for i in range(30))", "range(9)", "range(30)", "[range(3)]", "[(0, 1, 0)]", "([0, 1, 0],)", "{(0, 1, 0)}", "[{0, 1}]", "[{0: 1, 1: 2}]",
    "{0: [0, 1, 0]}", "[np.int64(i % 9) for i in range(30)]", "[Inteiro(1)] * 30", "[10**30] * 30", "[[0, 10**30, 0]]", "[['0', '1']]",
    "torch.zeros(30, dtype=torch.long, device='meta')", "torch.zeros(30, dtype=torch.bool)", "[[[0, 1]]]", "[True] * 30", "['0'] * 30",
    "collections.deque([0, 1, 2] * 9)", "[[0, 1, 0]] * 3 + [[0, 1.5, 0]]", "[[0, 1, 0]] * 3 + ['ab']", "[IndiceRuim()] * 30", "[[ReprRuim(), 1]]",
    "[0] * 29 + ['x']", "[0] * 29 + [2.5]", "[[0, 1, 0], [0, float('nan')]]", "tokenizer", "historinhas.sortear(2)", "[torch.tensor(1)] * 30")
EXEMPLOS = Tipo(_exemplos, ("[[0, 1, 0]]", "[0, 1, 2] * 9"), EXEMPLOS_RUINS)
VALIDACAO = Tipo(lambda v, a: v is None or _exemplos(v, a), ("None",), (*EXEMPLOS_RUINS, "[[0, 1, 0]]"))
TEXTOS = Tipo(lambda v, a: _textos(v), ("['a b']", "('a', 'b')", "(t for t in ['a'])", "{'a': 1}"),
              ("['']", "[' ', '\\n']", "'a b'", "['a', None]", "['a', b'b']", "['a\\ud800']", "['a\\x00']", "['a', ['b']]", "['a', 1.5]", "itertools.repeat('a', 10**5)",
               "np.array(['a b', 'c'])", "['<fim>']", "['a' * 10**6]", "['\\u0301']", "['a', 'a\\u0301']", "iter([])", "open(pasta / 'texto.txt')", "[Texto('a b')]"))


def _textos(v):
    if isinstance(v, (str, bytes)):
        return False
    try:
        lista = list(itertools.islice(v, 10**6))
        return bool(lista) and all(isinstance(t, str) for t in lista) and any(lista)
    except BaseException:
        return False


MODELO_RUINS = (
    "GPTMini", "nn.Linear(2, 2)", "nn.Identity()", "nn.Module()", "model.state_dict()", "model.config", "com_nan(model)", "com_inf(model)", "congelado(model)",
    "model.to('meta')", "model.half()", "model.double()", "model.bfloat16()", "pos_ln(model)", "sem_residual(model)", "com_gancho(model)", "com_eps(model)",
    "com_cabeca_menor(model)", "com_tabela_menor(model)", "envolvido(model)", "nn.DataParallel(model)", "so_logits(model)", "logits_de_outra_forma(model)",
    "sem_perda(model)", "perda_cortada(model)", "model.blocks[0]", "GPTMini(outra_ficha)", "letras", "lambda idx: (idx, None)", "com_config_trocada(model)",
    "sem_blocos(model)", "com_blocos_a_mais(model)", "model.token_embedding", "torch.compile", "com_sub_modos(model)", "com_forward_que_erra(model)",
    "mascara_aberta(model)", "com_config(model, None)", "com_config(model, {})", "KVCache(model)")
SIM = Tipo(lambda v, a: True)


def parece_modelo(v, a, finito=True):
    """Um modelo que responde como um GPTMini responderia: (B, T) -> logits (B, T, V), finitos."""
    if not isinstance(v, nn.Module) or not isinstance(getattr(v, "config", None), GPTConfig):
        return False
    if isinstance(v, KVCache):                  # responde pelo modelo, só o último token: é o que `generate` pede
        return parece_modelo(v.model, a, finito)
    try:
        with torch.no_grad():
            logits = v(torch.zeros(1, 2, dtype=torch.long), torch.zeros(1, 2, dtype=torch.long))[0]
        return logits.shape == (1, 2, v.config.vocab_size) and (not finito or bool(logits.isfinite().all()))
    except BaseException:
        return False


MODELO = Tipo(parece_modelo, (), MODELO_RUINS)
MODELO_QUE_RESPONDE = Tipo(lambda v, a: parece_modelo(v, a, finito=False), (), MODELO_RUINS)
# A avaliação e o treino respondem com a perda, nan inclusive; quem gera texto precisa de logits que sejam números.
MODELO_QUE_APRENDE = Tipo(lambda v, a: parece_modelo(v, a) and any(p.requires_grad for p in v.parameters()), (), MODELO_RUINS)
MODELO_AVALIADO = Tipo(lambda v, a: isinstance(v, nn.Module) and isinstance(getattr(v, "config", None), GPTConfig), (), MODELO_RUINS)
TOKENIZER = Tipo(lambda v, a: isinstance(v, WordTokenizer) and v.vocab_size == a.V, (),
                 ("WordTokenizer", "letras", "WordTokenizer(['a b c'])", "tokenizer.vocab", "tokenizer.encode", "model", "com_vocab(tokenizer, None)",
                  "com_vocab(tokenizer, [1, 2])", "com_vocab(tokenizer, tokenizer.vocab[:3])", "so_encode(tokenizer)", "com_vocab(tokenizer, [*tokenizer.vocab[:-1], 'a'])"))
GERADOR = Tipo(lambda v, a: v is None or isinstance(v, torch.Generator), ("None",),
               ("torch.Generator", "5", "random.Random(0)", "np.random.default_rng(0)", "torch.manual_seed", "torch.get_rng_state()"))
# Uma ficha de outra classe, com os mesmos campos e valores que servem, monta o mesmo modelo.
FICHA = Tipo(lambda v, a: isinstance(v, GPTConfig) or isinstance(v, types.SimpleNamespace) and GPTConfig(**vars(v)) == a.ficha, (),
             ("GPTConfig", "dataclasses.asdict(ficha)", "(9, 5, 8, 2, 1)", "model", "types.SimpleNamespace(**dataclasses.asdict(ficha))",
              "GPTConfig(10**12, 5, 8, 2, 1)", "GPTConfig(9, 10**6, 8, 2, 1)", "GPTConfig(9, 5, 10**30, 1, 1)", "GPTConfig(9, 5, 8, 2, 10**9)", "GPTConfig(9, 10**30, 8, 2, 1)",
              "GPTConfig(10**30, 5, 8, 2, 1)", "TudoTem()"))


def x_bom(v, a):
    return isinstance(v, torch.Tensor) and v.is_floating_point() and v.dim() == 3 and v.size(-1) == 8 and v.dtype == torch.float32 and not v.is_sparse


X_RUINS = ("torch.randn(1, 3, 7)", "torch.randn(3, 8)", "torch.randn(8)", "torch.randn(1, 6, 8)", "torch.randn(1, 0, 8)", "torch.randn(0, 3, 8)", "torch.randn(1, 2, 3, 8)",
           "torch.ones(1, 3, 8, dtype=torch.long)", "torch.ones(1, 3, 8, dtype=torch.bool)", "torch.randn(1, 3, 8).half()", "torch.randn(1, 3, 8).double()",
           "torch.randn(1, 3, 8, dtype=torch.complex64)", "np.random.randn(1, 3, 8)", "torch.randn(1, 3, 8).tolist()", "torch.randn(1, 3, 8, device='meta')",
           "torch.full((1, 3, 8), math.nan)", "torch.full((1, 3, 8), math.inf)", "torch.randn(1, 3, 8).to_sparse()", "torch.tensor([[1, 2]])")
X = Tipo(lambda v, a: x_bom(v, a) and v.numel() > 0 and v.size(1) <= 5, (), X_RUINS)
X_SOLTO = Tipo(lambda v, a: isinstance(v, torch.Tensor) and v.is_floating_point() and v.dim() > 0 and v.size(-1) == 8 and not v.is_sparse, (), X_RUINS)
LOGITS_RUINS = ("torch.tensor([1.0, math.nan])", "torch.tensor([1.0, math.inf])", "torch.tensor([1.0, -math.inf])", "torch.full((3,), -math.inf)", "torch.zeros(0)", "torch.zeros(2, 0)",
                "torch.zeros(())", "torch.zeros(1, 2, 3)", "torch.tensor([1, 2, 3])", "torch.tensor([True, False])", "[0.1, 0.2]", "np.array([0.1, 0.2])", "torch.zeros(3).half()",
                "torch.zeros(3).bfloat16()", "torch.zeros(3, dtype=torch.complex64)", "torch.zeros(3, device='meta')", "torch.zeros(3).to_sparse()", "torch.full((3,), 3e38)",
                "torch.full((2, 3), math.nan)", "torch.tensor([[0.0, 1.0], [math.nan, 1.0]])", "model", "torch.full((1, 3), math.inf)", "torch.zeros(3, requires_grad=True)")


def _logits(v, a, dims):
    return (isinstance(v, torch.Tensor) and v.is_floating_point() and not v.is_sparse and not v.is_meta and v.dim() in dims and v.numel() > 0
            and not v.isnan().any() and bool((v < math.inf).all()) and bool((v > -math.inf).any(-1).all()))


LOGITS = Tipo(lambda v, a: _logits(v, a, (1, 2)), ("torch.zeros(3)", "torch.zeros(2, 3)", "torch.tensor([1.0, -math.inf])"), LOGITS_RUINS)
LOGITS_V = Tipo(lambda v, a: _logits(v, a, (1,)), ("torch.zeros(3)",), LOGITS_RUINS)
PARADA = inteiro(0, 8, nulo=True)
TEMPERATURA = real(0, ruins=("1e-30", "'1'", "True", "1e30"))
TOP_K = inteiro(1, nulo=True, ruins=("10**6", "1.5", "True", "'2'"))
CAMINHO_RUINS = ("pasta / 'a' / 'b' / 'c.pt'", "pasta / ('n' * 300)", "pasta / 'ca\\x00no'", "'a\\x00'", "'~/x.pt'", "'/proc/nada/x.pt'", "'/dev/full'", "'/'", "'.'", "'..'",
                 "pasta / 'texto.txt' / 'x.pt'", "pasta / 'so_leitura' / 'x.pt'", "str(pasta)", "b'/tmp'", "pasta / 'laco'", "pasta / 'pendurado'", "pasta / '\\ud800.pt'", "3",
                 "open(pasta / 'texto.txt', 'rb')", "io.BytesIO(b'x')")


def arquivo(extensao, le):
    """Um caminho: para ler, vale só o bom; para escrever, o que der certo vale, e o arquivo tem de estar lá."""
    def vale(v, a):
        with contextlib.suppress(BaseException):
            return isinstance(v, (str, os.PathLike)) and (Path(v).is_file() or not le)
        return False
    return Tipo(vale, (), CAMINHO_RUINS)


# ---------------------------------------------------------------- modelos estragados


def com_nan(m):
    with torch.no_grad():
        m.blocks[0].norm1.gain[0] = math.nan
    return m


def com_inf(m):
    with torch.no_grad():
        m.head.weight[0, 0] = math.inf
    return m


def congelado(m):
    for p in m.parameters():
        p.requires_grad_(False)
    return m


def pos_ln(m):
    for bloco in m.blocks:
        def forward(x, b=bloco):
            x = b.norm1(x + b.attention(x))
            return b.norm2(x + b.feedforward(x))
        bloco.forward = forward
    return m


def sem_residual(m):
    for bloco in m.blocks:
        bloco.forward = lambda x, b=bloco: b.feedforward(b.norm2(b.attention(b.norm1(x))))
    return m


def com_gancho(m):
    m.blocks[0].register_forward_hook(lambda _, entrada, saida: saida * 1.5)
    return m


def com_eps(m):
    m.final_norm.eps = 0.5
    return m


def com_cabeca_menor(m):
    m.head = nn.Linear(8, 4, bias=False)
    return m


def com_tabela_menor(m):
    m.position_embedding = nn.Embedding(2, 8)
    return m


class _Envolve(nn.Module):
    def __init__(self, model, muda=None):
        super().__init__()
        self.dentro, self.config, self.muda = model, model.config, muda

    def forward(self, idx, targets=None):
        logits, perda = self.dentro(idx, targets)
        return self.muda(logits, perda) if self.muda else (logits, perda)


def envolvido(m):
    return _Envolve(m)


def so_logits(m):
    return _Envolve(m, lambda logits, perda: logits)


def logits_de_outra_forma(m):
    return _Envolve(m, lambda logits, perda: (logits[..., 0], perda))


def sem_perda(m):
    return _Envolve(m, lambda logits, perda: (logits, None))


def perda_cortada(m):
    return _Envolve(m, lambda logits, perda: (logits, perda.detach() if perda is not None else None))


def com_config_trocada(m):
    m.config = dataclasses.replace(m.config, context_length=50)
    return m


def com_config(m, config):
    m.config = config
    return m


def sem_blocos(m):
    del m.blocks
    return m


def com_blocos_a_mais(m):
    m.blocks.append(TransformerBlock(m.config))
    return m


def com_sub_modos(m):
    m.train()
    m.blocks[0].feedforward.eval()
    return m


def com_forward_que_erra(m):
    m.forward = _dono
    return m


def mascara_aberta(m):
    m.blocks[0].attention.allowed.fill_(True)
    return m


def com_vocab(t, vocab):
    t.vocab = vocab
    return t


def so_encode(t):
    return types.SimpleNamespace(encode=t.encode, vocab_size=t.vocab_size)


# ---------------------------------------------------------------- a arena: o que existe antes de cada tentativa

FICHA_BOA = GPTConfig(9, 5, 8, 2, 1)
PALAVRAS = ["a b c d e f g h"]
VOLTA = dict(autoria="Bia", receita="a minha", pista="historinhas", perda=0.37, alvo=0.398, segundos=5.0, vezes=12.0, passos=250,
             parametros=250_000, semente=0, quando="2026-11-25T10:00:00.1")
GRAMATICA = """
[concorda.antes]
o = "o a os as"
[palavras.nome]
tipo = "nome"
f = ["Ana", "Bia"]
m = ["Davi", "Caio"]
[palavras.fruta]
tipo = "objeto"
f = ["pera", "manga"]
[substantivos]
m = ["dia"]
[[enredo]]
nome = "um"
lacunas = {heroi = "nome", coisa = "fruta"}
passos = [["{heroi} viu {o coisa} {coisa}."], ["{O coisa} {coisa} caiu.", "E {o coisa} {coisa} sumiu."]]
"""


class Arena:
    """Um modelo pequeno, os seus arquivos e a foto de tudo, para comparar depois."""

    def __init__(self, pasta):
        self.pasta = pasta
        self.molde = {}
        self.arquivos()
        self.novo()

    def arquivos(self):
        """Refaz a pasta: os arquivos bons e os lugares em que não se deve tropeçar."""
        for coisa in self.pasta.iterdir():
            if coisa.is_dir() and not coisa.is_symlink():
                coisa.chmod(0o755)
                shutil.rmtree(coisa)
            else:
                coisa.unlink()
        self.novo()
        p = self.pasta
        (p / "texto.txt").write_text("Era uma vez uma pipa azul. A pipa voou, e Ana riu.\n" * 8, encoding="utf-8")
        (p / "gramatica.toml").write_text(GRAMATICA, encoding="utf-8")
        (p / "so_leitura").mkdir(mode=0o500)
        os.mkfifo(p / "cano")
        (p / "laco").symlink_to(p / "laco")
        (p / "pendurado").symlink_to(p / "nao_existe")
        (p / "placar").mkdir()
        (p / "placar" / "bia.json").write_text(json.dumps(VOLTA), encoding="utf-8")
        (p / "gpt2").mkdir()
        if "modelo.pt" not in self.molde:
            pronto.guardar(self.model, self.tokenizer, p / "modelo.pt")
            ponto.guardar(p / "ponto.pt", self.model, self.optimizer, self.tokenizer, 3)
            self.molde = {n: (p / n).read_bytes() for n in ("modelo.pt", "ponto.pt")}
        for nome, dados in self.molde.items():
            (p / nome).write_bytes(dados)
        self.disco = self.foto_do_disco()

    def novo(self):
        """Modelo, tokenizadores e otimizador refeitos; um sub-módulo em avaliação, para ver se o modo de cada um volta."""
        torch.manual_seed(7)
        self.ficha, self.V = FICHA_BOA, FICHA_BOA.vocab_size
        self.outra_ficha = GPTConfig(7, 4, 8, 2, 1)
        self.model = GPTMini(self.ficha).train()
        with torch.no_grad():
            for p in self.model.parameters():
                p.add_(torch.randn_like(p) * 0.3)
        self.model.blocks[0].feedforward.eval()
        self.tokenizer, self.letras = WordTokenizer(PALAVRAS), CharTokenizer(["abc"])
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3)
        self.gerador = torch.Generator().manual_seed(1)
        self.antes = self.foto_do_modelo()

    def foto_do_modelo(self):
        m = self.model
        return ([(n, b"meta" if t.is_meta else (t.detach().float() if t.dtype == torch.bfloat16 else t.detach()).contiguous().numpy().tobytes(), str(t.dtype)) for n, t in m.state_dict().items()],
                [(n, s.training) for n, s in m.named_modules()],
                [(n, p.requires_grad, p.grad is None) for n, p in m.named_parameters()],
                len(self.optimizer.state), self.tokenizer.vocab if isinstance(self.tokenizer.vocab, list) else None)

    def foto_do_disco(self):
        fotos = {}
        for coisa in sorted(self.pasta.rglob("*")):
            fotos[str(coisa)] = coisa.read_bytes() if coisa.is_file() and not coisa.is_symlink() else "lugar"
        return fotos

    @staticmethod
    def foto_do_processo():
        return {"gradiente ligado": torch.is_grad_enabled(), "tipo padrão": torch.get_default_dtype(), "aparelho padrão": torch.get_default_device(),
                "sorteio do torch": torch.get_rng_state().numpy().tobytes(), "sorteio do Python": random.getstate(),
                "sorteio do numpy": (np.random.get_state()[1].tobytes(), *np.random.get_state()[2:]), "pasta atual": os.getcwd(), "recursão": sys.getrecursionlimit(),
                "SIGTERM": signal.getsignal(signal.SIGTERM), "argv": list(sys.argv), "threads": torch.get_num_threads(),
                "anomalia": torch.is_anomaly_enabled(), "allclose": torch.allclose}


# ---------------------------------------------------------------- as portas


@dataclasses.dataclass
class Porta:
    """Uma porta: `chama(a, **argumentos)`, o que há de bom em cada parâmetro (expressão, tipo) e o que a resposta promete."""

    nome: str
    chama: object
    bons: dict                        # parâmetro -> (expressão boa, Tipo)
    confere: object = None            # (a, resposta, argumentos) -> o que está errado, ou vazio
    muda: frozenset = frozenset()     # o que uma resposta pode mudar: "modelo", "acaso", "disco"
    erros: tuple = (TypeError, ValueError, OSError)

    @property
    def sala(self):
        """O módulo a que ela pertence; as que as lições ensinam ficam juntas."""
        comeco = self.nome.split(".")[0]
        return SALAS.get(comeco, comeco if comeco in {*SALAS.values(), "interativo", "veja", "confere", "corpus", "corrida", "pronto", "ponto", "treinar"} else "gptmini")


SALAS = {"Gramatica": "historinhas", "historinhas": "historinhas", "percorrer": "por_dentro", "chances": "por_dentro", "o_que_acende": "por_dentro", "o_que_empurra": "por_dentro",
         "publicar": "publicar"}
PORTAS = {}


def porta(nome, bons, *, chama=None, confere=None, muda="", erros=()):
    """Registra a porta; como decorador, o que se decora é a chamada."""
    def registra(f):
        PORTAS[nome] = Porta(nome, f, bons, confere, frozenset(muda.split()), (TypeError, ValueError, OSError, *erros))
        return f
    return registra(chama) if chama else registra


# O que está ligado em volta da chamada também é entrada: quem copia uma célula esquece um `no_grad` aberto.
EM_VOLTA = ("torch.no_grad()", "torch.inference_mode()", "tipo_padrao(torch.float64)", "tipo_padrao(torch.float16)", "torch.device('meta')", "torch.autocast('cpu', torch.bfloat16)",
            "torch.random.fork_rng()", "torch.enable_grad()")
COM_VOLTA = ("GPTMini()", "GPTMini.forward", "evaluate", "train_steps", "train", "sample", "generate", "generate_cached", "KVCache", "percorrer", "publicar", "pronto.guardar", "pronto.ler", "ponto.guardar",
             "ponto.ler", "carregar_gpt2", "chances", "o_que_acende", "interativo.tokens", "interativo.proxima_palavra", "confere.gelu")


@contextlib.contextmanager
def tipo_padrao(tipo):
    antes = torch.get_default_dtype()
    torch.set_default_dtype(tipo)
    try:
        yield
    finally:
        torch.set_default_dtype(antes)


def e(condicao, frase):
    return "" if condicao else frase


# -- a ficha e as peças

TAMANHO = inteiro(1)
LINEAR = ("vocab_size", "context_length", "d_model", "n_heads", "n_layers")
porta("GPTConfig", {**{n: (v, TAMANHO) for n, v in zip(LINEAR, ("9", "5", "8", "2", "1"))}, "dropout": ("0.1", real(0, 0.9999999)),
                    "bias": ("True", LOGICO), "tie_weights": ("False", LOGICO)},
      chama=lambda a, **k: GPTConfig(**k),
      confere=lambda a, r, k: e(all(type(getattr(r, n)) is int or isinstance(getattr(r, n), int) for n in LINEAR)
                                and json.loads(json.dumps(dataclasses.asdict(r))) == dataclasses.asdict(r)
                                and hash(r) is not None, "a ficha não se escreve em JSON, ou não guarda inteiros"))
porta("GPTMini()", {"config": ("ficha", FICHA)}, chama=lambda a, config: GPTMini(config), muda="acaso",
      confere=lambda a, r, k: e(all(p.detach().isfinite().all() for p in r.state_dict().values()), "pesos que não são números"))
porta("CausalSelfAttention()", {"config": ("ficha", FICHA)}, chama=lambda a, config: CausalSelfAttention(config), muda="acaso")
porta("TransformerBlock()", {"config": ("ficha", FICHA)}, chama=lambda a, config: TransformerBlock(config), muda="acaso")
porta("FeedForward()", {"config": ("ficha", FICHA)}, chama=lambda a, config: FeedForward(config), muda="acaso")
porta("LayerNorm()", {"d_model": ("8", inteiro(1)), "eps": ("1e-5", real(0))}, chama=lambda a, **k: LayerNorm(**k))
porta("GPTMini.forward", {"idx": ("torch.tensor([[1, 2, 3]])", IDX_CURTO),
                          "targets": ("torch.tensor([[2, 3, -100]])", Tipo(lambda v, a: v is None or (isinstance(v, torch.Tensor) and v.shape == (1, 3) and not v.is_floating_point()
                                                                           and v.dtype != torch.bool and (v.is_meta or bool(((v == -100) | ((v >= 0) & (v < a.V))).all()))),
                                      ("None",), (*IDX_RUINS, "torch.full((1, 3), -100)", "torch.tensor([[2, 3, -1]])", "torch.tensor([[2, 3, 9]])", "torch.tensor([[2.0, 3.0, 1.0]])")))},
      chama=lambda a, **k: a.model(**k),
      confere=lambda a, r, k: e(r[0].shape == (*k["idx"].shape, a.V) and (k["targets"] is None) == (r[1] is None), "forma errada")
      or e(r[1] is None or r[1].is_meta or r[1].isfinite(), "a perda não é um número"))
for classe in (CausalSelfAttention, TransformerBlock, FeedForward):
    porta(f"{classe.__name__}.forward", {"x": ("torch.randn(1, 3, 8)", X_SOLTO if classe is FeedForward else X)},
          chama=lambda a, x, classe=classe: a.com_sorteio(lambda: classe(a.ficha))(x), muda="acaso",
          confere=lambda a, r, k: e(r.shape == k["x"].shape, "forma errada"))
porta("LayerNorm.forward", {"x": ("torch.randn(1, 3, 8)", X_SOLTO)}, chama=lambda a, x: LayerNorm(8)(x), muda="acaso",
      confere=lambda a, r, k: e(r.shape == k["x"].shape, "forma errada"))

# -- texto

for classe in (WordTokenizer, CharTokenizer):
    porta(f"{classe.__name__}()", {"texts": ("['a b']", TEXTOS)}, chama=lambda a, texts, classe=classe: classe(texts),
          confere=lambda a, r, k: e(r.vocab[0] == "<fim>" and len(set(r.vocab)) == r.vocab_size and r.vocab[1:] == sorted(r.vocab[1:])
                                    and all(type(t) is str for t in r.vocab), "vocabulário errado"))
ENCODE = Tipo(lambda v, a: isinstance(v, str) and bool(v.strip()), (), ("'a b'", "'a zigurate'", "'a\\u200bb'", "'A'", "'a' * 10**5", "'a ' * 10**5", "'z' * 10**7", "' z' * 10**5"))
porta("WordTokenizer.encode", {"text": ("'a b'", ENCODE)}, chama=lambda a, text: a.tokenizer.encode(text),
      confere=lambda a, r, k: e(re.sub(r"\s", "", a.tokenizer.decode(r)) == re.sub(r"\s", "", unicodedata.normalize("NFC", k["text"])), "não volta"))
porta("CharTokenizer.encode", {"text": ("'ab'", Tipo(lambda v, a: isinstance(v, str) and bool(v), (), ENCODE.ruins))}, chama=lambda a, text: a.letras.encode(text),
      confere=lambda a, r, k: e(a.letras.decode(r) == unicodedata.normalize("NFC", k["text"]), "não volta"))
for nome in ("tokenizer", "letras"):
    V = "9" if nome == "tokenizer" else "4"
    porta(f"{nome}.decode", {"ids": ("[1, 2]", Tipo(lambda v, a, V=int(V): (i := ids_de(v)) is not None and all(0 <= x < V for x in i), ("np.array([1, 2, 3])", "torch.tensor([1, 2, 3])"), IDS_1.ruins))},
          chama=lambda a, ids, nome=nome: getattr(a, nome).decode(ids), confere=lambda a, r, k: e(isinstance(r, str), "não é texto"))


DESCONHECIDO = Tipo(lambda v, a: isinstance(v, str), (), ("'zigurate'", "'z' * 10**7", "'a z\\x00'", "'a \\ud800'", "'\\x1b[31m'", "'a b zebra'", "' z' * 10**5", "'abcdefgh'"))


@porta("UnknownTokenError", {"text": ("'zigurate'", DESCONHECIDO)}, confere=lambda a, r, k: r)
def _(a, text):
    try:
        a.tokenizer.encode(text)
    except UnknownTokenError as erro:
        for outro in (pickle.loads(pickle.dumps(erro)), copy.copy(erro), copy.deepcopy(erro)):
            if (str(outro), outro.token, outro.posicao, outro.vizinhos) != (str(erro), erro.token, erro.posicao, erro.vizinhos):
                return "a cópia não é igual"
        return defeito_da_frase(str(erro)) or e(len(pickle.dumps(erro)) < 10_000, f"o erro carrega {len(pickle.dumps(erro))} bytes")
    return ""


class DisseNao(str):
    """A frase com que uma porta que não levanta erros recusou."""

    __slots__ = ()


class FraseRuim(Exception):
    """A porta disse uma frase sem levantar um erro, e a frase não serve."""


# -- lotes, avaliação, treino


def _lote(a, r, k):
    x, y = r
    return e(x.dtype == y.dtype == torch.long and x.shape == y.shape and 0 <= x.min() and bool(((y >= 0) | (y == -100)).all()), "lote errado")


# Quem faz lotes não conhece o vocabulário: qualquer inteiro a partir de 0 é um id.
porta("batches", {"examples": ("[[0, 1, 2], [0, 3, 0]]", dataclasses.replace(EXEMPLOS, vale=lambda v, a: _exemplos(v, a, 2**63))), "batch_size": ("2", inteiro(1)), "context_length": ("5", inteiro(1)),
                  "generator": ("gerador", Tipo(lambda v, a: v is None or isinstance(v, torch.Generator), (), GERADOR.ruins))},
      chama=lambda a, **k: next(batches(**k)), confere=_lote, muda="acaso")
porta("evaluate", {"model": ("model", MODELO_AVALIADO), "examples": ("[[0, 1, 2, 0], [0, 3, 0]]", EXEMPLOS)}, chama=lambda a, **k: evaluate(**k),
      confere=lambda a, r, k: e(isinstance(r, float) and not r < 0, "não é uma perda"))
OTIMIZADOR = Tipo(lambda v, a: v is None or isinstance(v, torch.optim.Optimizer) and set() < {id(p) for g in v.param_groups for p in g["params"]} <= {id(p) for p in a.model.parameters()},
                  ("None",), ("torch.optim.AdamW", "torch.optim.AdamW(GPTMini(ficha).parameters(), lr=1e-3)", "model", "torch.optim.SGD([torch.zeros(2, requires_grad=True)], lr=1.0)",
                              "'adamw'", "optimizer.state_dict()", "torch.optim.SGD(model.parameters(), lr=0.1)", "torch.optim.LBFGS(model.parameters())", "sem_grupos(optimizer)"))


def sem_grupos(o):
    o.param_groups.clear()
    return o


FUNCAO_RUINS = ("lambda: 1", "lambda a, b, c: 1", "lambda *a: None", "lambda *a: 'x'", "lambda *a: math.nan", "lambda *a: -1.0", "lambda *a: math.inf", "lambda *a: torch.tensor([1.0, 2.0])",
                "lambda *a: 1j", "lambda *a: True", "lambda *a: [1]")
RITMO = Tipo(lambda v, a: _ritmo(v), (), (*FUNCAO_RUINS, "lambda s, n: 1", "lambda s, n: np.float32(1)", "torch.optim.lr_scheduler.LambdaLR"))


def _ritmo(v):
    try:
        return isinstance(v(1, 2), numbers.Real) and not isinstance(v(1, 2), bool) and 0 <= v(1, 2) < math.inf
    except BaseException:
        return False


APARELHO = Tipo(lambda v, a: v is None or v == "cpu" or v == torch.device("cpu"), ("None", "'cpu'"), ("'cuda'", "'gpu'", "'cuda:99'", "'meta'", "torch.device('meta')", "'mps'", "'CPU'", "'xpu'"))
TREINO = {"model": ("model", MODELO_QUE_APRENDE), "examples": ("[[0, 1, 2, 0], [0, 3, 0]]", EXEMPLOS), "validation": ("None", VALIDACAO), "steps": ("2", inteiro(1, 300, sem=("10**30", "np.uint64(2**63)"))),
          "batch_size": ("2", inteiro(1)), "lr": ("1e-3", real(0, aberto=True, ruins=("1e30", "'0.1'"))), "seed": ("0", inteiro(ruins=("'x'", "-5", "2**64", "2**63"))),
          "device": ("None", APARELHO), "start": ("0", inteiro(0, 2, ruins=("-5", "2.5", "10**9", "3", "True"))), "optimizer": ("None", OTIMIZADOR), "schedule": ("lambda s, n: 1.0", RITMO)}


def _treinou(a, r, k):
    passos = r if isinstance(r, list) else [r]
    return e(all(isinstance(s, Step) and math.isfinite(s.train_loss) and s.tokens > 0 for s in passos), "passos errados") or \
        e(len(passos) == max(0, (como_int(k["steps"]) or 0) - (como_int(k["start"]) or 0)) or not passos or not isinstance(r, list), "número de passos") or \
        e(not passos or k["validation"] is None or passos[-1].val_loss is not None or not isinstance(r, list), "validação esquecida em silêncio") or \
        e(not passos or not isinstance(k["model"], GPTMini) or any(p.grad is not None for p in k["model"].parameters()), "nada treinou")


porta("train_steps", TREINO, chama=lambda a, **k: next(train_steps(**k), []), confere=_treinou, muda="modelo acaso", erros=(FloatingPointError,))
porta("train", {**TREINO, "on_step": ("None", Tipo(lambda v, a: v is None or callable(v), ("None",), ("3", "'print'", "[print]", "lambda s: False", "lambda s: None")))},
      chama=lambda a, **k: train(**k), confere=lambda a, r, k: _treinou(a, r, k) if k["on_step"] is None else "", muda="modelo acaso", erros=(FloatingPointError,))

# -- geração

# Pedir 10**30 tokens é pedir muito, e não errado: escrever sem fim é o que se pediu, e Ctrl-C para.
GERACAO = {"idx": ("torch.tensor([[1, 2], [3, 4]])", IDX), "max_new_tokens": ("3", inteiro(0, 50, sem=("10**30", "np.uint64(2**63)"))), "temperature": ("1.0", TEMPERATURA), "top_k": ("None", TOP_K),
           "stop": ("None", PARADA), "generator": ("gerador", GERADOR)}


def _continuou(a, r, k):
    B, T = k["idx"].shape
    n = como_int(k["max_new_tokens"])
    return e(r.shape[0] == B and torch.equal(r[:, :T], k["idx"]) and T <= r.shape[1] <= T + n and r.min() >= 0 and r.max() < k["model"].config.vocab_size
             and (k["stop"] is not None or r.shape[1] == T + n), "continuação errada")


def _igual_ao_simples(a, r, k):
    """O que o cache escreveu é o que o próprio modelo escreveria."""
    if k["generator"] is None or (k["temperature"] != 0 and isinstance(k["generator"], torch.Generator)):
        return _continuou(a, r, k)
    return _continuou(a, r, k) or e(torch.equal(r, generate(**{**k, "model": k["model"]})), "com cache saiu outro texto")


porta("sample", {"logits": ("torch.zeros(2, 9)", LOGITS), "temperature": ("1.0", TEMPERATURA), "top_k": ("None", TOP_K), "generator": ("gerador", GERADOR)},
      chama=lambda a, **k: sample(**k), muda="acaso",
      confere=lambda a, r, k: e(r.dtype == torch.long and r.shape == k["logits"].shape[:-1] and bool((r >= 0).all()) and bool((r < k["logits"].size(-1)).all()), "ids errados"))
porta("generate", {"model": ("model", MODELO), **GERACAO}, chama=lambda a, **k: generate(**k), confere=_continuou, muda="acaso")
porta("generate (gulosa)", {"model": ("model", MODELO), **GERACAO, "temperature": ("0", TEMPERATURA)}, chama=lambda a, **k: generate(**k), confere=_continuou, muda="acaso")
porta("generate_cached", {"model": ("model", MODELO), **GERACAO, "temperature": ("0", TEMPERATURA)}, chama=lambda a, **k: generate_cached(**k), confere=_igual_ao_simples, muda="acaso")
porta("KVCache", {"model": ("model.eval()", MODELO_QUE_RESPONDE), "idx": ("torch.tensor([[1, 2, 3]])", IDX_CURTO)}, chama=lambda a, model, idx: KVCache(model)(idx),
      confere=lambda a, r, k: e(k["idx"].is_meta or torch.allclose(r[0][:, -1].float(), k["model"](k["idx"])[0][:, -1].float(), atol=1e-4 if r[0].dtype == torch.float32 else 0.05, equal_nan=True), "com cache, outros logits"), muda="modelo")

# -- por dentro e publicar

porta("percorrer", {"model": ("model", MODELO), "ids": ("[1, 2, 3]", Tipo(lambda v, a: (i := ids_de(v)) is not None and 0 < len(i) <= 5 and all(0 <= x < a.V for x in i), (), IDS_1.ruins))},
      chama=lambda a, **k: por_dentro.percorrer(**k),
      confere=lambda a, r, k: e(torch.allclose(r.logits, _em_avaliacao(k["model"], list(k["ids"])), atol=1e-4), "o caminho não é o do modelo"))


def _em_avaliacao(m, ids):
    with torch.no_grad():
        modos = [(s, s.training) for s in m.modules()]
        logits = m.eval()(torch.tensor([[int(i) for i in ids]]))[0][0]
        for s, t in modos:
            s.training = t
    return logits


porta("chances", {"logits": ("torch.zeros(9)", LOGITS_V), "temperature": ("1.0", TEMPERATURA), "top_k": ("None", TOP_K)}, chama=lambda a, **k: por_dentro.chances(**k),
      confere=lambda a, r, k: e(r.shape == k["logits"].shape and abs(r.float().sum().item() - 1) < 1e-2 and bool((r >= 0).all()), "não são chances"))
porta("o_que_acende", {"model": ("model", MODELO), "tokenizer": ("tokenizer", TOKENIZER), "textos": ("['a b', 'c']", Tipo(lambda v, a: _textos(v), (), TEXTOS.ruins))},
      chama=lambda a, **k: por_dentro.o_que_acende(**k), confere=lambda a, r, k: e(r.shape == (1, 9, 32), "forma errada"))
porta("o_que_empurra", {"model": ("model", MODELO), "bloco": ("1", inteiro(1, 1)), "neuronio": ("3", inteiro(0, 31, ruins=("32", "-1")))},
      chama=lambda a, **k: por_dentro.o_que_empurra(**k), confere=lambda a, r, k: e(r.shape == (9,), "forma errada"))
porta("publicar", {"model": ("model", MODELO), "tokenizer": ("tokenizer", TOKENIZER), "caminho": ("pasta / 'p.html'", Tipo(lambda v, a: True, (), (*CAMINHO_RUINS, "pasta / 'so_leitura' / 'x.html'",
                   "pasta / ('n' * 300 + '.html')", "'/dev/full/x.html'", "pasta / 'texto.txt' / 'x.html'", "pasta / 'a\\x00.html'", "pasta / '\\ud800.html'", "pasta / 'x.HTM'"))),
                   "titulo": ("'t'", Tipo(lambda v, a: isinstance(v, str), (), FRASE.ruins)), "autoria": ("''", FRASE)},
      chama=lambda a, **k: publicar.publicar(**k) if isinstance(publicar, types.ModuleType) else publicar(**k),
      confere=lambda a, r, k: e(Path(r).is_file() and b"</html>" in Path(r).read_bytes(), "não há página"), muda="disco")

# -- guardar e ler

NOTA = Tipo(lambda v, a: True, (), ("np.float64(1.5)", "{'a': [1, 'b']}", "[1, (2, 3)]", "{1: {2: [3]}}", "{'x': np.int64(3)}"))


def _volta(a, r, k):
    """O que se guardou volta igual: os pesos, as palavras, o tipo do tokenizador e as notas."""
    m, t, notas = pronto.ler(r)
    return e(type(t) is type(k["tokenizer"]) and t.vocab == k["tokenizer"].vocab, "outro tokenizador voltou") or \
        e(all(torch.allclose(p.float(), k["model"].state_dict()[n].float(), atol=2e-3, rtol=2e-3) for n, p in m.state_dict().items()), "outros pesos voltaram") or \
        e(_mesma(notas.get("nota"), k["nota"]), "outra nota voltou")


def _mesma(a, b):
    a, b = (x.tolist() if isinstance(x, (np.generic, np.ndarray, torch.Tensor, memoryview)) else sorted(x) if isinstance(x, set) else x for x in (a, b))
    b = str(b) if isinstance(b, (Path, datetime.date)) else b
    if isinstance(b, (list, tuple)) or isinstance(a, (list, tuple)):
        return isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b) and all(map(_mesma, a, b))
    if isinstance(b, dict):
        return isinstance(a, dict) and a.keys() == b.keys() and all(_mesma(a[c], b[c]) for c in b)
    return type(a) is type(b) and a == b or isinstance(b, numbers.Number) and (a == b or a != a and b != b) or isinstance(b, str) and a == str(b)


porta("pronto.guardar", {"model": ("model", MODELO), "tokenizer": ("tokenizer", Tipo(lambda v, a: isinstance(v, WordTokenizer), (), TOKENIZER.ruins)), "caminho": ("pasta / 'm.pt'", arquivo(".pt", False)), "nota": ("3", NOTA)},
      chama=lambda a, **k: pronto.guardar(**k), confere=_volta, muda="disco")
LER = Tipo(lambda v, a: False, (), (*CAMINHO_RUINS, *(f"arquivo(pasta, {c})" for c in (
    "b''", "b'x'", "b'PK' * 99", "bom('modelo.pt')[:900]", "bom('modelo.pt')[:-1]", "bom('modelo.pt') + b'x'", "bom('ponto.pt')", "bom('ponto.pt')[:50]", "bom('ponto.pt')[:700]",
    "bom('ponto.pt') + b'0'", "pickle.dumps(print)", "salvo({})", "salvo([])", "salvo(3)", "salvo({'config': {}})", "salvo({'config': 3, 'vocab': 3, 'pesos': 3, 'notas': 3, 'impressao': 'x'})",
    "salvo(torch.zeros(3))", "b'gptmini-ponto-1\\n' + b'0' * 80", "b'version https://git-lfs.github.com/spec/v1\\noid sha256:00\\nsize 12\\n'")),
    "pasta / 'texto.txt'", "pasta / 'modelo.pt'", "pasta / 'ponto.pt'"))


def arquivo_com(pasta, dados):
    (pasta / "hostil").write_bytes(dados)
    return pasta / "hostil"


def salvo(objeto):
    torch.save(objeto, memoria := io.BytesIO())
    return memoria.getvalue()


def _bons(*nomes):
    return Tipo(lambda v, a: isinstance(v, (str, Path)) and Path(v).name in nomes and Path(v).is_file(), (), LER.ruins)


porta("pronto.ler", {"caminho": ("pasta / 'modelo.pt'", _bons("modelo.pt", "hostil"))}, chama=lambda a, **k: pronto.ler(**k),
      confere=lambda a, r, k: e(r[1].vocab == a.tokenizer.vocab and isinstance(r[0], GPTMini), "outro modelo"))
porta("pronto.uma_historia", {"semente": ("7", inteiro(0, 2**63 - 1))}, chama=lambda a, **k: pronto.uma_historia(**k),
      confere=lambda a, r, k: e(isinstance(r, str) and r == pronto.uma_historia(**k), "não é um texto, ou a mesma semente deu outro"))
porta("ponto.ler", {"caminho": ("pasta / 'ponto.pt'", _bons("ponto.pt", "hostil"))}, chama=lambda a, **k: ponto.ler(**k),
      confere=lambda a, r, k: e(r[2].vocab == a.tokenizer.vocab and r[0]["step"] == 3, "outro ponto"))
porta("ponto.guardar", {"caminho": ("pasta / 'q.pt'", arquivo(".pt", False)), "model": ("model", MODELO_AVALIADO), "optimizer": ("optimizer", Tipo(lambda v, a: isinstance(v, torch.optim.Optimizer), (), OTIMIZADOR.ruins)),
                        "tokenizer": ("tokenizer", Tipo(lambda v, a: isinstance(v, WordTokenizer), (), TOKENIZER.ruins)), "step": ("3", inteiro(0)), "nota": ("3", NOTA)},
      chama=lambda a, **k: (ponto.guardar(**k), ponto.ler(k["caminho"]))[1], muda="disco",
      confere=lambda a, r, k: e(r[2].vocab == k["tokenizer"].vocab and type(r[2]) is type(k["tokenizer"]) and r[0]["step"] == como_int(k["step"]), "outro ponto voltou"))
porta("ponto.retomar", {"ponto": ("ponto.ler(pasta / 'ponto.pt')[0]", Tipo(lambda v, a: isinstance(v, dict) and "otimizador" in v, (), ("{'otimizador': {}}", "{**ponto.ler(pasta / 'ponto.pt')[0], 'acaso': None}",
                        "{**ponto.ler(pasta / 'ponto.pt')[0], 'acaso': torch.zeros(3)}", "{**ponto.ler(pasta / 'ponto.pt')[0], 'otimizador': 3}", "pasta / 'ponto.pt'", "ponto.ler(pasta / 'ponto.pt')"))),
                        "optimizer": ("optimizer", Tipo(lambda v, a: isinstance(v, torch.optim.Optimizer), (), OTIMIZADOR.ruins))},
      chama=lambda a, **k: ponto.retomar(**k), muda="modelo acaso")

# -- GPT-2 de fora


def pasta_gpt2(pasta, ficha=None, pesos=None, nome="pytorch_model.bin", cru=None, ficha_crua=None):
    """Uma pasta como as do Hugging Face, com o que se quiser trocado."""
    onde = pasta / "gpt2"
    onde.mkdir(exist_ok=True)
    (onde / "config.json").write_bytes(ficha_crua if ficha_crua is not None else json.dumps({**FICHA_GPT2, **(ficha or {})}).encode())
    certos = pesos_gpt2()
    certos.update(pesos or {})
    (onde / nome).write_bytes(cru if cru is not None else salvo({n: p for n, p in certos.items() if p is not None}))
    return onde


FICHA_GPT2 = {"vocab_size": 9, "n_positions": 5, "n_embd": 8, "n_head": 2, "n_layer": 1}


def pesos_gpt2():
    g = torch.Generator().manual_seed(0)
    formas = {"wte.weight": (9, 8), "wpe.weight": (5, 8), "h.0.ln_1.weight": (8,), "h.0.ln_1.bias": (8,), "h.0.attn.c_attn.weight": (8, 24), "h.0.attn.c_attn.bias": (24,),
              "h.0.attn.c_proj.weight": (8, 8), "h.0.attn.c_proj.bias": (8,), "h.0.ln_2.weight": (8,), "h.0.ln_2.bias": (8,), "h.0.mlp.c_fc.weight": (8, 32), "h.0.mlp.c_fc.bias": (32,),
              "h.0.mlp.c_proj.weight": (32, 8), "h.0.mlp.c_proj.bias": (8,), "ln_f.weight": (8,), "ln_f.bias": (8,)}
    return {n: torch.randn(*f, generator=g) for n, f in formas.items()}


HOSTIS = tuple(f"pasta_gpt2(pasta, {c})" for c in (
    *(f"ficha={{'{n}': {v}}}" for n in ("vocab_size", "n_embd", "n_head", "n_layer", "n_positions") for v in ("None", "'9'", "-1", "0", "2.0", "True", "10**30", "[9]", "10**7")),
    *(f"ficha={{'tie_word_embeddings': {v}}}" for v in ("'False'", "None", "0", "False", "[]")),
    *(f"ficha={{'{n}': {v}}}" for n in ("activation_function", "layer_norm_epsilon", "scale_attn_weights") for v in ("None", "'gelu'", "1e-6", "[]", "{}", "False")),
    "ficha={'layer_norm_epsilon': float('nan')}", "ficha={'n_ctx': 3}", "ficha={'n_positions': None, 'n_ctx': 5}", "ficha={'n_inner': 64}", "ficha={'model_type': 'llama'}", "ficha={'quantization_config': {}}",
    "pesos={'wte.weight': None}", "pesos={'wte.weight': torch.full((9, 8), float('nan'))}", "pesos={'wte.weight': torch.full((9, 8), float('inf'))}", "pesos={'wte.weight': torch.ones(9, 8, dtype=torch.long)}",
    "pesos={'wte.weight': torch.ones(9, 8, dtype=torch.bool)}", "pesos={'wte.weight': torch.ones(9, 8, dtype=torch.complex64)}", "pesos={'wte.weight': torch.ones(8, 9)}", "pesos={'wte.weight': torch.zeros(0)}",
    "pesos={'wte.weight': torch.ones(9, 8).to_sparse()}", "pesos={'wte.weight': torch.ones(9, 8, device='meta')}", "pesos={'wte.weight': 3}", "pesos={'wte.weight': [1.0]}", "pesos={3: torch.ones(2)}",
    "pesos={'a mais': torch.ones(2)}", "pesos={'h.1.ln_1.weight': torch.ones(8)}", "pesos={'lm_head.weight': torch.ones(9, 8)}", "pesos={'wte.weight': torch.ones(9, 8, dtype=torch.float64) * 1e300}",
    "pesos={'wte.weight': torch.ones(9, 8, dtype=torch.int8)}", "pesos={'h.0.ln_1.weight': torch.ones(8, 1)}", "pesos={'wte.weight': torch.quantize_per_tensor(torch.ones(9, 8), 0.1, 0, torch.qint8)}",
    "cru=b''", "cru=b'x'", "cru=b'version https://git-lfs.github.com/spec/v1\\noid sha256:00\\nsize 12\\n'", "cru=pickle.dumps(print)", "cru=salvo([])", "cru=salvo(torch.ones(2))", "cru=salvo({})",
    "cru=b'x', nome='model.safetensors'", "cru=b'', nome='model.safetensors'", "cru=b'version https://git-lfs.github.com/spec/v1\\noid sha256:00\\nsize 12\\n', nome='model.safetensors'",
    "cru=(10**15).to_bytes(8, 'little') + b'{}', nome='model.safetensors'", "cru=b'{}', nome='model.safetensors.index.json'", "cru=b'{}', nome='pytorch_model.bin.index.json'", "cru=b'x', nome='tf_model.h5'",
    "ficha_crua=b''", "ficha_crua=b'[]'", "ficha_crua=b'3'", "ficha_crua=b'null'", "ficha_crua=b'{' * 100000", "ficha_crua=b'[' * 100000", "ficha_crua=b'\\xff\\xfe'", "ficha_crua=b'{\"vocab_size\": 1e999}'", "ficha_crua=b'{\"a\": NaN}'"))


def _gpt2_vale(v, a):
    """Só uma pasta com todos os pesos finitos, de ponto flutuante, na forma da ficha."""
    with contextlib.suppress(BaseException):
        ficha = json.loads((Path(v) / "config.json").read_text())
        pesos = torch.load(Path(v) / "pytorch_model.bin", weights_only=True)
        bons = all(isinstance(p, torch.Tensor) and p.is_floating_point() and p.float().isfinite().all() and not p.is_sparse for p in pesos.values())
        return bons and all(type(ficha[n]) is int for n in FICHA_GPT2) and ficha.get("tie_word_embeddings", True) in (True, False) and isinstance(ficha.get("tie_word_embeddings", True), bool)
    return False


porta("abrir_gpt2", {"origem": ("pasta_gpt2(pasta)", Tipo(_gpt2_vale, ("pasta_gpt2(pasta)",), (*HOSTIS, "'dono/nome'", "'dono/nome@'", "'@'", "'gpt2'", "pasta / 'placar'", "'a/b/c'", "'../x'", "pasta / 'laco'")))},
      chama=lambda a, origem: arquivos.abrir_gpt2(origem), muda="acaso",
      confere=lambda a, r, k: e(torch.equal(r.token_embedding.weight, torch.load(Path(k["origem"]) / "pytorch_model.bin", weights_only=True)["wte.weight"]), "outros pesos"))
PESOS_GPT2_RUINS = tuple(f"{{**pesos_gpt2(), **{c.removeprefix('pasta_gpt2(pasta, pesos=')[:-1]}}}" for c in HOSTIS if "pesos={" in c)
FICHAS_GPT2_RUINS = tuple(f"{{**FICHA_GPT2, **{c.removeprefix('pasta_gpt2(pasta, ficha=')[:-1]}}}" for c in HOSTIS if "ficha={" in c)


def _pesos_gpt2_valem(v, a):
    return isinstance(v, dict) and {*v} >= {*pesos_gpt2()} and all(isinstance(p, torch.Tensor) and p.is_floating_point() and p.isfinite().all() for p in v.values())


def _ficha_gpt2_vale(v, a):
    return isinstance(v, dict) and all(type(v.get(n)) is int for n in FICHA_GPT2) and isinstance(v.get("tie_word_embeddings", True), bool)


porta("carregar_gpt2", {"pesos": ("pesos_gpt2()", Tipo(_pesos_gpt2_valem, ("pesos_gpt2()",), PESOS_GPT2_RUINS)), "ficha": ("dict(FICHA_GPT2)", Tipo(_ficha_gpt2_vale, ("dict(FICHA_GPT2)",), FICHAS_GPT2_RUINS))},
      chama=lambda a, pesos, ficha: carregar_gpt2(pesos, ficha), muda="acaso",
      confere=lambda a, r, k: e(torch.equal(r.token_embedding.weight, k["pesos"]["wte.weight"]), "outros pesos"))

# -- corpus, historinhas, corrida

BYTES_RUINS = ("b''", "b' \\n'", "'Ação e coração.'.encode()[:-2]", "'Ação'.encode()[:3]", "('é' * 99).encode()[:-1]", "'Ação'.encode('utf-16')", "'Ação'.encode('utf-16-le')", "'Ação'.encode('utf-32')",
               "'Ação e tudo.'.encode('cp1252')", "b'abc\\x1a'", "b'\\x00' * 50", "bytes(range(256))", "b'%PDF-1.4'", "b'\\xff'", "b'\\xef\\xbb\\xbf'", "b'\\xef\\xbb\\xbfabc'", "b'a\\x1b[31m'", "'a\\u202e'.encode()",
               "'日本語'.encode('shift_jis')", "'Привет мир'.encode('koi8-r')", "b'\\xed\\xa0\\x80'", "'€'.encode()[:2]", "b'a' + '🦜'.encode()[:3]", "b'{\\\\rtf1 oi}'", "b'\\xc3'", "b'ol\\xc3 mundo'")
porta("corpus.decodificar", {"dados": ("b'oi, mundo'", Tipo(lambda v, a: isinstance(v, (bytes, bytearray, memoryview)) and _legivel(bytes(v)), ("b'oi, mundo'", "'Ação'.encode()", "'Ação e tudo.'.encode('cp1252')"), BYTES_RUINS))},
      chama=lambda a, dados: corpus.decodificar(dados),
      confere=lambda a, r, k: e(isinstance(r, str) and not re.search(r"[Ãâ][\x80-\xbf€ƒ…†‡‰Š‹Œ‘’“”•–—˜™š›œ¡-¿]", r), "letras embaralhadas"))


def _legivel(b):
    for codificacao in ("utf-8-sig", "utf-16", "cp1252"):
        with contextlib.suppress(UnicodeError):
            texto = b.decode(codificacao)
            if texto.strip() and not any(c < " " and c not in "\t\n\r\f" for c in texto.rstrip("\x1a")):
                return True
    return bytes(b[1::2]).count(0) > len(b) // 3 or bytes(b[::2]).count(0) > len(b) // 3


porta("corpus.de_arquivo", {"caminho": ("pasta / 'texto.txt'", Tipo(lambda v, a: isinstance(v, (str, Path)) and Path(v).is_file(), (), (*CAMINHO_RUINS, *(f"arquivo(pasta, {c})" for c in BYTES_RUINS))))},
      chama=lambda a, caminho: corpus.de_arquivo(caminho), confere=lambda a, r, k: e(isinstance(r, str) and r.strip(), "não é texto"))
TOML_RUINS = tuple(f"arquivo(pasta, {c})" for c in (
    "b''", "b'\\xff'", "b'\\x00'", "b'[[' * 5000", "b'a = ' + b'[' * 50000", "b'a = ' + b'{a=' * 3000", "b'[a' + b'.a' * 5000 + b']'", "gramatica.replace('Ana', 'ana').encode()", "gramatica.replace('nome = \"um\"', '').encode()",
    "gramatica.replace('nome = \"um\"', 'nome = 3').encode()", "gramatica.replace('{O coisa}', '{X coisa}').encode()", "gramatica.replace('passos = ', 'passo = ').encode()", "gramatica.replace('[[\"', '[[').encode()",
    "gramatica.replace('tipo = \"nome\"', 'tipo = []').encode()", "gramatica.replace('o = ', 'o = [] #').encode()", "gramatica.replace('[\"dia\"]', '[3]').encode()", "gramatica.replace('\"fruta\"', '\"legume\"').encode()",
    "gramatica.replace('[substantivos]', '[substantivo]').encode()", "gramatica.replace('[[enredo]]', '[enredo]').encode()", "gramatica.replace('passos = ', 'passos = [] #').encode()",
    "gramatica.replace('passos = ', 'passos = [[]] #').encode()", "gramatica.replace('passos = ', 'passos = [[\"\"]] #').encode()", "gramatica.replace('lacunas = ', 'lacunas = [] #').encode()",
    "gramatica.replace('[\"Ana\", \"Bia\"]', '[]').replace('[\"Davi\", \"Caio\"]', '[]').encode()", "(gramatica + gramatica).encode()", "gramatica.replace('caiu', 'x' * 10**6).encode()",
    "gramatica.replace('\"{heroi} viu {o coisa} {coisa}.\"', ', '.join('\"' + c * 3 + ' {heroi} viu {o coisa} {coisa}.\"' for c in map(chr, range(0x4e00, 0x4e00 + 8000)))).encode()",
    "gramatica.replace('[palavras.nome]', '[palavras]\\nnome = 3\\n[palavras.nomes]').encode()", "gramatica.replace('f = [\"pera\"', 'x = [\"pera\"').encode()", "gramatica.encode('utf-16')", "b'a = 1e999'", "b'a = 2026-01-01'", "b'a = nan'"))
NOMES = Tipo(lambda v, a: v is None or isinstance(v, dict) and set(v) <= {"f", "m", "mp", "fp"} and all(isinstance(nomes, (list, tuple)) for nomes in v.values()), ("None", "{'f': ['Lia'], 'm': ['Beto']}"),
             ("{'f': []}", "{'x': ['Lia']}", "{'f': 'Lia'}", "{'f': ['lia']}", "{'f': ['Lia', 'Lia']}", "{'f': [3]}", "{'f': ['']}", "{'f': ['A b']}", "{3: ['Lia']}", "{'f': ['Lia\\ud800']}", "{'f': None}", "['Lia']",
              "{'f': ['Li\\u0301a'], 'm': ['Beto']}", "{None: None}", "{'f': {'Lia': 1}}", "{'f': iter(['Lia'])}", "{'f': ['E']}", "{'f': ['🦜']}", "{'f': ['Lia\\n']}", "{'tipo': ['x']}", "{('f',): ['Lia']}", "{'f': ['x' * 10**6]}"))
porta("Gramatica", {"nomes": ("None", NOMES), "palavras": ("None", Tipo(lambda v, a: v is None or v == {} or isinstance(v, dict) and set(v) <= {"nome", "fruta"}, ("None",), (
    "{'fruta': {}}", "{'fruta': {'f': []}}", "{'fruta': ['uva']}", "{'fruta': 3}", "{'legume': {'f': ['x']}}", "{3: {}}", "{'fruta': {'f': ['uva']}}", "{'fruta': {'mp': ['kiwis']}}", "{'fruta': None}",
    "{None: {}}", "{('a',): {}}", "{'fruta': {'f': ['uva uva']}}", "{'fruta': {3: ['uva']}}", "{ReprRuim(): {}}", "{'nome': {'f': ['Lia', 'Bia']}}"))),
    "arquivo": ("pasta / 'gramatica.toml'", Tipo(lambda v, a: isinstance(v, (str, Path)) and Path(v).is_file(), (), (*CAMINHO_RUINS, *TOML_RUINS)))},
    chama=lambda a, **k: historinhas.Gramatica(**k),
    confere=lambda a, r, k: e((h := r.sortear(1, 0)[0]) and abs(r.analisar(h.texto).log_prob - h.log_prob) < 1e-9 and r.limite() > 0, "gramática torta"))
porta("historinhas.sortear", {"n": ("2", inteiro(1, 1000)), "semente": ("0", Tipo(lambda v, a: isinstance(v, (int, float, str, bytes, bytearray, type(None))) or como_int(v) is not None,
                                                                                   ("np.int64(2)",)))},
      chama=lambda a, **k: a.gramatica.sortear(**k), confere=lambda a, r, k: e(len({h.texto for h in r}) == como_int(k["n"]), "contagem errada"))
porta("historinhas.analisar", {"texto": ("gramatica.sortear(1)[0].texto", Tipo(lambda v, a: isinstance(v, str), (), ("'Ana'", "'Ana viu'", "'Ana viu o pera.'", "'x ' * 10**5", "'Ana viu a pera. ' * 999", "'\\n'")))},
      chama=lambda a, texto: a.gramatica.analisar(texto), confere=lambda a, r, k: e(r.log_prob < 0, "não é uma probabilidade"))
porta("historinhas.boletim", {"textos": ("[h.texto for h in gramatica.sortear(3)]", Tipo(lambda v, a: _lista_de_textos(v), (), (*TEXTOS.ruins, "gramatica.sortear(2)", "[None, 'a']", "[TudoTem()]", "['a'] * 5000"))),
                              "treino": ("None", Tipo(lambda v, a: v is None or _lista_de_textos(v, vazia=True), (), ("'texto'", "gramatica.sortear(2)", "[3]", "[[]]", "[{}]", "[TudoTem()]")))},
      chama=lambda a, **k: a.gramatica.boletim(**k), confere=lambda a, r, k: e(all(0 <= v <= 1 for v in r.notas.values()) and str(r), "nota errada"))


def _lista_de_textos(v, vazia=False):
    if isinstance(v, (str, bytes)):
        return False
    try:
        v = [getattr(t, "texto", t) for t in itertools.islice(v, 10**6)]
    except BaseException:
        return False
    return (bool(v) or vazia) and all(isinstance(t, str) for t in v)


porta("historinhas.concordancias", {"texto": ("'Ana viu o pera.'", Tipo(lambda v, a: isinstance(v, str) or _lista_de_textos(v, vazia=True)))},
      chama=lambda a, texto: a.gramatica.concordancias(texto), confere=lambda a, r, k: e(isinstance(r, list), "não é lista"))


@porta("historinhas.excesso", {"model": ("model", MODELO_AVALIADO), "tokenizer": ("tokenizer", TOKENIZER),
                               "historinhas": ("[historinhas.Historinha('a b', -1.0)]", Tipo(lambda v, a: isinstance(v, (list, tuple)) and len(v) > 0 and all(isinstance(h, historinhas.Historinha) for h in v), (),
                                               ("['a b']", "[historinhas.Historinha('zigurate', -1.0)]", "[historinhas.Historinha(3, -1.0)]", "[historinhas.Historinha('a b', None)]", "historinhas.Historinha('a b', -1.0)",
                                                "(historinhas.Historinha('a b', -1.0) for _ in range(2))", "[historinhas.Historinha('a ' * 50, -1.0)]", "[historinhas.Historinha('a b', math.nan)]")))},
       confere=lambda a, r, k: e(isinstance(r, float), "não é número"))
def _(a, model, tokenizer, historinhas):
    return apoio.historinhas.excesso(model, tokenizer, historinhas)


def volta(**trocas):
    return corrida.Volta(**{**VOLTA, **trocas})


def com_volta(pasta, cru=None, **trocas):
    """A pasta do placar com mais um arquivo, o hostil."""
    (pasta / "placar" / "ze.json").write_bytes(cru if cru is not None else json.dumps({**VOLTA, "autoria": "Zé", **trocas}).encode())
    return pasta / "placar"


VOLTAS = tuple(f"com_volta(pasta, {c})" for c in (
    *(f"{campo}={v}" for campo in ("perda", "alvo", "segundos", "vezes") for v in ("math.nan", "math.inf", "-1.0", "0.0", "'x'", "'0.1'", "None", "True", "[1]", "10**400", "1e308", "-math.inf")),
    *(f"{campo}={v}" for campo in ("passos", "parametros", "semente") for v in ("-1", "0.5", "'x'", "None", "True", "math.nan", "10**30")),
    *(f"{campo}={v}" for campo in ("autoria", "receita", "pista", "quando") for v in ("''", "3", "None", "'a\\nb'", "'\\x1b[31m'", "'x' * 10**6", "'\\u202ex'", "[]", "'a\\x00'", "'\\ud800'", "'🦜'", "'  1º'")),
    "alvo=99.0", "pista='minha', alvo=99.0", "alvo=0.41", "cru=b''", "cru=b'[]'", "cru=b'3'", "cru=b'null'", "cru=b'[' * 100000", "cru=b'{\"a\":' * 50000", "cru=b'{\"perda\": 1e999}'", "cru=b'\\xff'", "cru=b'x' * 10**7",
    "cru=json.dumps(VOLTA).replace('12.0', '1e999').encode()", "cru=json.dumps(VOLTA).replace('0.39', 'NaN').encode()", "cru=json.dumps(VOLTA).replace('250000', '9' * 5000).encode()", "cru=json.dumps(VOLTA).encode('utf-16')"))


def _volta_boa(pasta):
    """Se o arquivo do Zé é uma volta em que se pode acreditar."""
    with contextlib.suppress(BaseException):
        d = json.loads((Path(pasta) / "ze.json").read_text(encoding="utf-8"))
        return (all(type(d[c]) in (int, float) and math.isfinite(d[c]) and d[c] > 0 for c in ("perda", "alvo", "segundos", "vezes"))
                and all(type(d[c]) is int and d[c] > 0 for c in ("passos", "parametros")) and type(d["semente"]) is int
                and all(isinstance(d[c], str) and d[c].isprintable() and len(d[c]) < 500 for c in ("autoria", "receita", "pista", "quando")) and corrida.ALVOS.get(d["pista"], d["alvo"]) == d["alvo"])       # pista da turma: à parte, com o alvo dela
    return False


# A raiz do disco fica de fora: procurar nela inteira, ou escrever nela, é o que se pediria.
PASTA_DO_PLACAR = Tipo(lambda v, a: isinstance(v, (str, Path)), (), (*(c for c in CAMINHO_RUINS if c != "'/'"), *VOLTAS))


def _placar_inteiro(a, r, k):
    if not (Path(k["pasta"]) / "bia.json").exists():
        return ""
    quem = [v.autoria for v in r] if isinstance(r, list) else r
    if "Bia" not in quem:
        return "a volta boa sumiu"
    if isinstance(r, str) and (defeito := next((c for c in r if c != "\n" and not c.isprintable()), "")):
        return f"o placar tem um sinal que não se imprime: {defeito!r}"
    if isinstance(r, str) and len([linha for linha in r.splitlines() if re.match(r" *\d+º", linha)]) > len(list(Path(k["pasta"]).iterdir())):
        return "o placar tem linhas forjadas"
    return e(not (Path(k["pasta"]) / "ze.json").exists() or _volta_boa(k["pasta"]) or not any("Zé" in q or len(quem) > 1 for q in ([quem] if isinstance(quem, str) else quem) if isinstance(r, list) or "Zé" in q),
             "a volta forjada entrou")


porta("corrida.ler", {"pasta": ("pasta / 'placar'", PASTA_DO_PLACAR)}, chama=lambda a, pasta: corrida.ler(pasta), confere=_placar_inteiro)
porta("corrida.placar", {"pasta": ("pasta / 'placar'", PASTA_DO_PLACAR)}, chama=lambda a, pasta: corrida.placar(pasta), confere=_placar_inteiro)
VOLTA_RUIM = Tipo(lambda v, a: isinstance(v, corrida.Volta) and _volta_dita_boa(v), (), (
    "corrida.Volta", "VOLTA", *(f"volta({c}={v})" for c, v in itertools.product(("perda", "vezes"), ("math.nan", "math.inf", "-1.0", "'x'", "None", "torch.tensor(0.3)", "np.float64(0.3)"))),
    *(f"volta(autoria={v})" for v in ("None", "3", "'a\\nb'", "'../../x'", "'\\ud800'", "'x' * 10**6", "'a\\x00'", "''")), *(f"volta(quando={v})" for v in ("None", "'../../../x'", "'a/b'", "''", "'a\\x00'"))))


def _volta_dita_boa(v):
    return all(isinstance(getattr(v, c), (int, float)) and math.isfinite(getattr(v, c)) and getattr(v, c) > 0 for c in ("perda", "vezes")) and all(isinstance(getattr(v, c), str) for c in ("autoria", "quando"))


porta("corrida.anotar", {"volta": ("volta()", VOLTA_RUIM), "pasta": ("pasta / 'outro'", dataclasses.replace(PASTA_DO_PLACAR, ruins=tuple(c for c in CAMINHO_RUINS if c != "'/'")))}, chama=lambda a, **k: corrida.anotar(**k), muda="disco",
      confere=lambda a, r, k: e(Path(r).parent.resolve() == Path(k["pasta"]).resolve() and k["volta"] in corrida.ler(k["pasta"]), "a volta não volta"))
porta("corrida.abrir_pista", {"nome": ("'minha'", Tipo(lambda v, a: isinstance(v, str))), "texto": ("'abcd ' * 21_000", Tipo(lambda v, a: isinstance(v, str) and len(v) >= 100_000, (), ("'a' * 100_000", "'ab' * 99_999", "b'ab' * 99_999", "['a'] * 100_000"))),
                              "alvo": ("1.5", real(0, aberto=True, nulo=True, deve=()))},
      chama=lambda a, **k: corrida.abrir_pista(**k), confere=lambda a, r, k: e((r.alvo == k["alvo"] or k["alvo"] is None) and len(r.validacao) > 64, "pista torta"))

# -- os verificadores: nunca levantam; respondem com uma frase

COMO_VALOR = ("{0}", "lambda *a, **k: {0}")


def _dica(a, r, k):
    if not isinstance(r, confere.Resultado):
        return f"respondeu {type(r).__name__}"
    frase = repr(r) + r._repr_html_()
    return e(not r.ok, "aceitou a resposta errada") or e("tropeçou" not in frase, "o verificador tropeçou") or \
        e(any(p in frase for p in ("não", "Em branco", "precisa", "espera", "devolv", "veio", "é ", "pede", "Isso")), "a dica não diz nada")


RESPOSTA = Tipo(lambda v, a: True, (), tuple(f"lambda *a, **k: {g}" for g in GENERICOS if g not in ("parou()",)) + (
    "type('R', (nn.Module,), {})", "type('R', (), {'__init__': lambda s, *a: None})", "nn.Linear", "nn.Linear(3, 3)", "lambda: 1", "exit", "lambda *a: exit(3)",
    "lambda *a: os._exit if False else None", "lambda *a: [].pop()", "lambda *a: torch.set_default_dtype(torch.float64)", "lambda *a: os.chdir('/')", "lambda *a: sys.setrecursionlimit(10000)",
    "lambda *a: torch.autograd.set_detect_anomaly(True)", "lambda *a: setattr(torch, 'allclose', lambda *a, **k: True)", "lambda *a: torch.set_printoptions(precision=1)", "lambda *a: random.seed(3)",
    "lambda *a: np.random.seed(3)", "lambda *a: torch.manual_seed(3)", "lambda *a: torch.set_num_threads(1)", "lambda *a: Falso(torch.zeros(3))", "lambda *a: torch.zeros(2, 3).numpy()", "lambda *a: (_ for _ in ())"))
for nome in confere.EXERCICIOS:
    porta(f"confere.{nome}", {"resposta": ("None", RESPOSTA)}, chama=lambda a, resposta, nome=nome: getattr(confere, nome)(resposta), confere=_dica, muda="disco")
PALPITE = Tipo(lambda v, a: True, (), ("'4,2'", "(4, 2)", "'False'", "'falso'", "'sim'", "4.2", "'3 '", "'2,3,4'", "[2, 3, 4]", "torch.Size([2, 3])", "(2, 3.0, 4)", "(2, True, 4)", "np.array([2, 3])", "((2, 3), 4)"))
for tipo in (float, bool, str):
    porta(f"confere.palpite {tipo.__name__}", {"valor": ("None", PALPITE)}, chama=lambda a, valor, tipo=tipo: confere.palpite(valor, tipo),
          confere=lambda a, r, k, tipo=tipo: e(r is None or type(r) is tipo and (tipo is not float or math.isfinite(r)), "um palpite de outro tipo"))
porta("confere.forma", {"palpite": ("None", PALPITE)}, chama=lambda a, palpite: confere.forma("01-x", palpite, torch.zeros(2, 3, 5), "B T C"), confere=_dica, muda="disco")
def _sim(v):
    """Um «sim» dito de um jeito que se entende."""
    v = v.item() if getattr(v, "ndim", None) == 0 and str(getattr(v, "dtype", "")) in ("bool", "torch.bool") else v
    return isinstance(v, (bool, np.bool_)) and bool(v) or isinstance(v, str) and v.strip().lower() in ("sim", "true", "verdadeiro")


for certa in ("7.25", "'pipa'", "True"):
    porta(f"confere.leitura {certa}", {"resposta": ("None", PALPITE)}, chama=lambda a, resposta, certa=certa: confere.leitura("01-y", resposta, eval(certa)), muda="disco",
          confere=lambda a, r, k, certa=certa: "" if isinstance(r, confere.Resultado) and r.ok and certa == "True" and _sim(k["resposta"]) else _dica(a, r, k))


@porta("confere.ordem", {"resposta": ("None", Tipo(lambda v, a: True, (), ("'AB'", "'ABA'", "'A'", "'Z'", "['B', 'A', 'A']", "['A', 3]", "('A',)", "'a,z'")))}, confere=_dica, muda="disco")
def _(a, resposta):
    def f(x):
        y = x + 1
        return y
    return confere.ordem("01-z", resposta, {"A": "return y", "B": "y = x + 1"}, f, torch.zeros(2))


class Falso(torch.Tensor):
    """Um tensor que diz ser igual a tudo."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return True if func.__name__ in ("allclose", "equal") else super().__torch_function__(func, types, args, kwargs)

    def __new__(cls, x):
        return x.as_subclass(cls)


# -- figuras e painéis

P = "['a', 'b']"
PALAVRAS_T = Tipo(lambda v, a: _lista_de_textos(v), (), ("['a', 3]", "'ab'", "['a', 'b', 'c']", "['a\\n', 'b']", "['$x^2$', '$']", "['a\\ud800', 'b']"))
TABELA = Tipo(lambda v, a: _tabela(v), (), ("[[0.5, 0.5]]", "[[0.5], [0.5, 0.1]]", "[[math.nan, 1], [0, 1]]", "[[math.inf, 1], [0, 1]]", "[['a', 'b'], [1, 2]]", "torch.zeros(2, 2)", "np.zeros((2, 2))", "[[None, 1], [1, 1]]", "torch.zeros(2, 2, 2)", "[[1e308, 1], [1, 1]]"))


def _tabela(v):
    try:
        t = torch.as_tensor(v.tolist() if hasattr(v, "tolist") else v)
        return t.dim() == 2 and t.numel() > 0 and bool(t.double().isfinite().all()) and t.dtype != torch.bool and not t.is_complex()
    except BaseException:
        return False


def figura(nome, bons, vale=True):
    porta(f"veja.{nome}", {n: (x, t) for n, (x, t) in bons.items()}, chama=lambda a, **k: getattr(veja, nome)(**k),
          confere=lambda a, r, k: e(isinstance(r.legenda, str) and r.legenda and "nan" not in r.legenda.split(), "sem legenda, ou com nan"))


def dicio(*ruins):
    return Tipo(lambda v, a: isinstance(v, dict) and bool(v), (), ("{'a': None}", "{'a': []}", "{'a': [math.nan]}", "{'a': ['x']}", "{3: [1.0]}", *ruins))


NUMERO = real(deve=())
figura("parametros_por_parte", {"contagens": ("{'mini': {'tabela de tokens': 3, 'atenção': 5}}", dicio("{'mini': {'outra': 3}}", "{'mini': {'atenção': 0}}", "{'mini': {'atenção': -1}}", "{'mini': {}}"))})
figura("vetores", {"palavras": (P, PALAVRAS_T), "quadros": ("{'q': [[1.0, 2.0], [0.5, 0.1]]}", dicio("{'q': [[1.0]]}"))})
figura("cossenos", {"palavras": (P, PALAVRAS_T), "tabela": ("[[1.0, 0.0], [0.5, 0.1]]", TABELA)})
figura("mascara", {"palavras": (P, PALAVRAS_T), "permitido": ("[[True, False], [True, True]]", Tipo(lambda v, a: True, (), TABELA.ruins))})
figura("atencao", {"palavras": (P, PALAVRAS_T), "pesos": ("[[1.0, 0.0], [0.5, 0.5]]", TABELA), "linhas": ("None", Tipo(lambda v, a: v is None or _lista_de_textos(v))), "titulo": ("''", FRASE)})
PASSOS = Tipo(lambda v, a: isinstance(v, list) and all(isinstance(s, Step) for s in v), (), ("[Step(1, 2.0, None, 0.0, 1)]", "[Step(1, math.nan, 2.0, 0.0, 1)]", "[]", "[Step(1, 2.0, 'x', 0.0, 1)]", "[Step]"))
BONS = "[Step(1, 2.0, 2.0, 0.0, 1), Step(2, 1.0, 1.0, 0.0, 2)]"
figura("curva_de_treino", {"passos": (BONS, PASSOS), "limite": ("0.5", NUMERO), "perda_ao_acaso": ("3.0", NUMERO), "piso": ("0.4", NUMERO)})
figura("ativacoes", {"x": ("[-1.0, 0.0, 1.0]", SIM), "curvas": ("{'gelu': [0.0, 0.1, 1.0]}", dicio("{'a': [1.0]}")), "inclinacoes": ("{'gelu': [0.0, 0.1, 1.0]}", dicio())})
figura("retas_e_dobras", {"x": ("[-1.0, 0.0, 1.0]", SIM), "linhas": ("{'reta': [-1.0, 0.0, 1.0]}", dicio("{'a': [1.0]}")), "titulo": ("''", FRASE),
                          "pontos": ("[('a', -1, 1), ('b', 0, -1)]", Tipo(lambda v, a: isinstance(v, list), (), ("[('a', 1)]", "[(3, 0, 1)]", "[('a', None, 1)]", "[('a', math.nan, 1)]", "[]")))})
figura("variancia_dos_pontos", {"tamanhos": ("[4, 8]", SIM), "variancias": ("{'a': [1.0, 2.0]}", dicio()), "maiores": ("{'a': [0.1, 0.2]}", dicio())})
PARES = Tipo(lambda v, a: isinstance(v, (list, tuple)) and len(v) > 0 and all(isinstance(p, tuple) and len(p) == 2 for p in v), (), ("[('a', None)]", "[('a', math.nan)]", "[(3, 1.0)]", "['ab']", "[('a', 1.0, 2)]"))
figura("neuronio", {"acende": ("[('sol', 2.5)]", PARES), "empurra": ("[('dia', 0.5)]", PARES), "nome": ("''", FRASE)})
figura("formas", {"etapas": ("[('entrada', (1, 5, 8), 'embedding')]", Tipo(lambda v, a: isinstance(v, list) and bool(v), (), ("[('a', (1, 2, 3), 'outra')]", "[('a', (), 'norm')]", "[('a', 3, 'norm')]", "[('a', (1, 2))]", "[(3, (1, 2, 3), 'norm')]")))})
figura("lente", {"palavras": (P, PALAVRAS_T), "paradas": ("['p0', 'p1']", PALAVRAS_T), "previstas": ("[['a', 'b'], ['a', 'c']]", SIM), "chances": ("[[1.0, 0.5], [1.0, 0.6]]", TABELA)})
figura("proxima_palavra", {"palavras": (P, PALAVRAS_T), "antes": ("[0.6, 0.4]", SIM), "quadros": ("{'t': [0.9, 0.1]}", dicio())})
figura("boletins", {"lotes": ("{'a': gramatica.boletim(['x'])}", dicio())})
for nome in ("sinal_por_camada", "gradiente_por_camada"):
    figura(nome, {"curvas": ("{'a': [1.0, 2.0]}", dicio("{'a': [0.0]}", "{'a': [-1.0]}")), "eixo": ("'camadas'", FRASE), "escala": ("'log'", Tipo(lambda v, a: v in ("log", "linear"), (), ("'logaritmo'",))), "primeiro": ("0", inteiro())})
figura("temperaturas", {"quadros": ("{'t': (['a'], [[0.5, 0.6]])}", dicio("{'t': ([], [])}", "{'t': (['a'],)}")), "temperaturas": ("[0.5, 1.0]", SIM)})
figura("bancada", {"ensaios": ("{'a': (0.1, {'derivável': 0.5})}", dicio("{'a': (math.nan, {'x': 1})}", "{'a': (0.1,)}")), "pecas": ("{'a': 'atencao'}", dicio("{'a': 'outra'}", "{}")), "teto": ("0.6", NUMERO)})
figura("gradiente_por_bloco", {"quadros": ("{'q': {'a': [1.0, 2.0]}}", dicio("{'q': {'a': [-1.0]}}", "{'q': {}}")), "piso": ("1e-12", NUMERO)})
figura("custo_por_token", {"curvas": ("{'a': [1.0] * 99}", dicio("{'a': [1.0]}")), "contexto": ("96", inteiro(1))})
figura("custo_do_treino", {"tempos": ("{64: 5.0, 128: 7.0}", dicio("{64: 5.0}", "{'64': 5.0, '128': 7.0}", "{64: math.nan, 128: 1.0}"))})
figura("perda_ao_vivo", {"passos": (BONS, PASSOS), "limite": ("0.5", NUMERO), "steps": ("5", inteiro(1))})
figura("corrida", {"curvas": ("{'a': [(0.1, 2.0), (0.2, 1.0)]}", dicio("{'a': [], 'b': []}", "{'a': [(1.0, 1.0)], 'b': [(1.0, 1.0)], 'c': [(1.0, 1.0)]}")), "alvo": ("1.0", NUMERO)})
figura("degraus", {"perdas": ("{'acaso': 6.0, 'limite': 0.3}", dicio("{'a': math.nan}", "{'a': '6'}"))})
figura("escada", {"tempos": ("{'referência': 60.0, 'b': 3.0}", dicio("{'a': math.inf}", "{'a': -1.0}"))})

PAINEIS = {"model": ("model", Tipo(lambda v, a: parece_modelo(v, a), (), MODELO_RUINS)), "tokenizer": ("tokenizer", TOKENIZER)}
TEXTO_CURTO = Tipo(lambda v, a: isinstance(v, str), (), ("'a zigurate'", "'a ' * 9"))


def painel(nome, resto):
    modelo = PAINEIS["model"]
    if nome == "tokens":       # mostra a tabela de vetores e não chama o forward: um forward que erra não o alcança
        modelo = ("model", Tipo(lambda v, a: getattr(v, "forward", None) is _dono or parece_modelo(v, a), (), MODELO_RUINS))
    porta(f"interativo.{nome}", {**PAINEIS, "model": modelo, **resto}, chama=lambda a, **k: getattr(interativo, nome)(**k),
          confere=lambda a, r, k: e(isinstance(r, interativo.Painel) and (r.tela.value or r.recado.value), "painel vazio") or e(not r.recado.value or not INGLES.search(ALHEIO.sub(" ", re.sub("<[^>]*>", "", r.recado.value))), "recado em inglês"))


for nome in ("tokens", "atencao", "chaves"):
    painel(nome, {"frase": ("'a b'", TEXTO_CURTO)})
painel("raio_x", {"frase": ("'a b'", TEXTO_CURTO), "parada": ("0", inteiro(0, 6))})
painel("proxima_palavra", {"comeco": ("'a b'", TEXTO_CURTO), "semente": ("0", inteiro(0, 10**6))})
porta("interativo.giro", {"turns": ("giros", Tipo(lambda v, a: callable(v), (), FUNCAO_RUINS)), "rotate": ("roda", Tipo(lambda v, a: callable(v), (), FUNCAO_RUINS)), "T": ("24", inteiro(1, 1000)), "hs": ("8", inteiro(2, 1000)), "semente": ("0", inteiro())},
      chama=lambda a, **k: interativo.giro(**k))
porta("interativo.orcamento", {"picos": ("{'T4': 8.1}", dicio("{'T4': 0}", "{'T4': -1}", "{'T4': math.inf}")), "uso": ("0.4", real(0, 1, deve=()))}, chama=lambda a, **k: interativo.orcamento(**k))
porta("interativo.laboratorio", {"resultados": ("{'a': {'boletim': gramatica.boletim(['x']), 'excesso': 0.1, 'textos': ['x']}}", dicio("{'a': {}}", "{'a': {'boletim': None, 'excesso': None, 'textos': []}}"))},
      chama=lambda a, **k: interativo.laboratorio(**k))
porta("interativo.treino_ao_vivo", {**PAINEIS, "examples": ("[[0, 1, 2, 0]]", EXEMPLOS), "comeco": ("'a b'", TEXTO_CURTO), "intervalo": ("1.0", real(0, deve=())), "seed": ("0", inteiro()), "steps": ("2", inteiro(1, 300))},
      chama=lambda a, **k: interativo.treino_ao_vivo(**k))


def giros(T, hs):
    return torch.ones(T, hs), torch.zeros(T, hs)


def roda(x, cos, sin):
    return x * cos


# -- a linha de comando: os argumentos são textos

ARGUMENTOS_RUINS = ("''", "'abc'", "'-1'", "'0'", "'nan'", "'inf'", "'1e999'", "'2.5'", "'10' + '0' * 30", "'1_0'", "'\\u0662'", "' 2 '", "'0x10'", "'\\ud800'", "'a\\x00'", "'1' * 5000", "'🦜'", "'-'", "'--'", "'--lr'", "'1,5'",
                    "'1e-400'", "'True'", "'None'", "'%(default)s'", "'{}'", "'10' + '0' * 8", "'3 4'", "'\\n'", "'infinity'", "str(pasta)", "str(pasta / 'cano')", "'/dev/full'", "str(pasta / 'so_leitura')", "str(pasta / 'laco')", "'..'",
                    "str(pasta / 'texto.txt')", "str(arquivo(pasta, b''))", "str(arquivo(pasta, b'oi' * 60))", "str(arquivo(pasta, b'oi ' * 300))", "str(arquivo(pasta, 'é'.encode()[:1]))", "'machados'")
ARGUMENTO = Tipo(lambda v, a: True, (), ARGUMENTOS_RUINS, ())
OPCOES = {"--saida": "str(pasta / 'saida')", "--corpus": "str(pasta / 'texto.txt')", "--contexto": "'4'", "--d-model": "'8'", "--cabecas": "'2'", "--camadas": "'1'", "--passos": "'2'", "--lote": "'2'", "--semente": "'0'",
          "--guardar-a-cada": "'1'", "--lr": "'1e-3'", "--dropout": "'0'", "--retomar": "None", "--outra": "None"}


@porta("treinar.main", {nome: (boa, Tipo(ARGUMENTO.vale, (), tuple(r for r in ARGUMENTOS_RUINS if nome != "--passos" or "0' * 8" not in r), ())) for nome, boa in OPCOES.items()}, muda="disco modelo acaso")
def _(a, **k):
    argumentos = [parte for nome, valor in k.items() if valor is not None for parte in (nome, valor)]
    sinal, dito = signal.getsignal(signal.SIGTERM), io.StringIO()
    try:
        with contextlib.redirect_stderr(dito):
            treinar.main(argumentos)
    except SystemExit as saida:
        frase = saida.code if isinstance(saida.code, str) else dito.getvalue().strip().splitlines()[-1] if dito.getvalue().strip() else ""
        if frase and (defeito := defeito_da_frase(frase.strip())):
            raise FraseRuim(f"{defeito}: {frase[:120]}") from None
        if not frase and saida.code:
            raise FraseRuim(f"saiu com {saida.code} sem dizer nada") from None
        return DisseNao(frase) if saida.code else None
    finally:
        signal.signal(signal.SIGTERM, sinal)


for nome in COM_VOLTA:      # quem monta um modelo dentro de `meta` recebe o que pediu, um modelo sem números
    em_volta = tuple(x for x in EM_VOLTA if "meta" not in x or nome not in ("GPTMini()", "carregar_gpt2", "pronto.ler", "ponto.ler"))
    PORTAS[nome].bons["_em"] = ("contextlib.nullcontext()", Tipo(lambda v, a: True, (), em_volta, ()))

# Não são portas: as peças soltas do modelo, as figuras e os painéis de dados recebem o que a lição ou o GPTMini lhes preparam, e
# por dentro se confia em quem chama. `--por-dentro` as experimenta também.
POR_DENTRO = ("veja.", "CausalSelfAttention", "TransformerBlock", "FeedForward", "LayerNorm", "interativo.giro", "interativo.orcamento",
              "interativo.laboratorio")
if "--por-dentro" not in sys.argv:
    for nome in [nome for nome in PORTAS if nome.startswith(POR_DENTRO)]:
        del PORTAS[nome]


# ---------------------------------------------------------------- uma tentativa


@dataclasses.dataclass(frozen=True)
class Tentativa:
    porta: str
    trocas: tuple                     # ((parâmetro, expressão), …)
    classe: str = ""                  # resposta, recusa ou crua
    motivo: str = ""
    erro: BaseException = None

    @property
    def chamada(self):
        return f"{self.porta}: " + ", ".join(f"{nome}={expressao}" for nome, expressao in self.trocas)

    @property
    def assinatura(self):
        """Cruas com a mesma assinatura têm a mesma causa: porta, motivo e linha."""
        onde = ""
        if self.erro is not None and self.erro.__traceback__ is not None:
            passos = [p for p in traceback.extract_tb(self.erro.__traceback__) if NOSSO in p.filename]
            onde = f"{Path(passos[-1].filename).name}:{passos[-1].lineno}" if passos else ""
        return self.porta, self.motivo, onde


class Bancada:
    def __init__(self, pasta):
        self.pasta = Path(pasta)
        self.arena = Arena(self.pasta)
        self.arena.gramatica = historinhas.Gramatica(arquivo=self.pasta / "gramatica.toml")
        self.arena.com_sorteio = self.com_sorteio
        self.molde_do_terreno = dict(globals())

    @staticmethod
    def com_sorteio(f):
        with torch.random.fork_rng():
            return f()

    def terreno(self):
        """Os nomes que uma expressão pode usar: os deste arquivo e os da arena."""
        a = self.arena
        return {**self.molde_do_terreno, **vars(a), "arquivo": arquivo_com, "bom": lambda n: a.molde[n], "gramatica": a.gramatica if not getattr(a, "_toml", False) else GRAMATICA}

    def avalia(self, expressao, toml=False):
        nomes = self.terreno()
        if "gramatica.replace" in expressao or "gramatica.encode" in expressao or "gramatica + " in expressao:
            nomes["gramatica"] = GRAMATICA
        return eval(expressao, nomes)

    def tenta(self, nome, trocas):
        p, a = PORTAS[nome], self.arena
        expressoes = {**{n: boa for n, (boa, _) in p.bons.items()}, **dict(trocas)}
        mexeu_no_modelo = mexeu_no_disco = False
        if a.antes != a.foto_do_modelo():
            a.novo()
        try:
            argumentos = {n: self.avalia(x) for n, x in expressoes.items()}
            duvidas = {n: self.avalia(expressoes[n]) for n, _ in trocas}       # outra cópia: `vale` pode gastar um gerador
        except Exception as erro:
            return Tentativa(nome, tuple(trocas), "pulada", f"a própria expressão não existe aqui: {type(erro).__name__}")
        if any(x not in ("model", "optimizer", "tokenizer") and re.search("model|optimizer|tokenizer", x) for x in expressoes.values()):
            a.antes = a.foto_do_modelo()                                        # a expressão já mexeu no modelo: a foto é esta
            mexeu_no_modelo = True
        if "arquivo(" in "".join(expressoes.values()) or "pasta_gpt2" in "".join(expressoes.values()) or "com_volta" in "".join(expressoes.values()):
            a.disco = a.foto_do_disco()
            mexeu_no_disco = True
        antes, recado = a.foto_do_processo(), io.StringIO()
        resposta = erro = None
        signal.signal(signal.SIGALRM, self._alarme)
        inicio = time.perf_counter()
        try:
            with contextlib.redirect_stdout(recado), contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings(), memoria_limitada():
                warnings.simplefilter("ignore")
                signal.setitimer(signal.ITIMER_REAL, 3 * DEMORA, 0.5)
                with argumentos.pop("_em", None) or contextlib.nullcontext():
                    resposta = p.chama(a, **argumentos)
        except BaseException as excecao:
            erro = excecao
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        levou = time.perf_counter() - inicio
        classe, motivo = self.julga(p, trocas, duvidas, argumentos, resposta, erro, levou, recado)
        depois = a.foto_do_processo()
        # Um erro que o treino encontra no meio do caminho deixa feito o que já foi feito; o que é recusado na porta, não.
        pode = p.muda if classe == "resposta" or (p.nome.startswith("train") and isinstance(erro, (DoDono, FloatingPointError))) else frozenset()
        mudou = [c for c in antes if antes[c] != depois[c] and not (c.startswith("sorteio") and "acaso" in pode)]
        modelo_mudou, disco_mudou = a.antes != a.foto_do_modelo(), a.disco != a.foto_do_disco()
        mudou += ["o modelo"] * (modelo_mudou and "modelo" not in pode) + ["os arquivos"] * (disco_mudou and "disco" not in pode)
        self.restaura(antes)
        if disco_mudou or mexeu_no_disco:
            a.arquivos()
        elif modelo_mudou or mexeu_no_modelo:
            a.novo()
        if mudou and classe in ("resposta", "recusa"):
            classe, motivo = "crua", f"depois da {classe} mudou: {', '.join(mudou)}"
        if classe != "crua":
            erro = None
        return Tentativa(nome, tuple(trocas), classe, motivo, erro)

    @staticmethod
    def _alarme(*_):
        raise Demora

    @staticmethod
    def restaura(antes):
        os.chdir(antes["pasta atual"])
        torch.set_grad_enabled(antes["gradiente ligado"])
        torch.set_default_dtype(antes["tipo padrão"])
        sys.setrecursionlimit(antes["recursão"])
        torch.autograd.set_detect_anomaly(antes["anomalia"])
        torch.allclose = antes["allclose"]
        torch.set_num_threads(antes["threads"])

    def julga(self, p, trocas, duvidas, argumentos, resposta, erro, levou, recado):
        if isinstance(erro, FraseRuim):
            return "crua", str(erro).partition(": ")[0]
        if isinstance(erro, Demora) or (levou > DEMORA and not isinstance(erro, (KeyboardInterrupt,))):
            return "crua", f"demora: passou de {DEMORA:.0f} s"
        if isinstance(erro, DoDono):
            if any(x in PASSAM or "com_forward_que_erra" in x or "_dono" in x for _, x in trocas):
                return "recusa", "o erro é do objeto de quem chama"
            return "crua", "o objeto hostil foi usado antes de ser conferido (DoDono)"
        if erro is not None:
            if defeito := defeito_da_recusa(erro, p.erros):
                return "crua", defeito
            deve = [f"{n}={x}" for n, x in trocas if x in p.bons[n][1].deve and p.bons[n][1].vale(duvidas[n], self.arena)]
            if len(trocas) == len(deve):
                return "crua", f"recusou o que serve: {str(erro)[:150]}"
            return "recusa", ""
        if isinstance(resposta, DisseNao) or (isinstance(resposta, confere.Resultado) and not resposta.ok and not p.confere(self.arena, resposta, argumentos)):
            return "recusa", ""
        with contextlib.suppress(Demora):
            for (n, x) in trocas:
                signal.setitimer(signal.ITIMER_REAL, 3 * DEMORA)
                try:
                    vale = p.bons[n][1].vale(duvidas[n], self.arena)
                except DoDono:
                    vale = False
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
                if not vale:
                    return "crua", f"respondeu calada a {n} sem sentido -> {curto(resposta)}"
            if p.confere:
                try:
                    with contextlib.redirect_stdout(recado):
                        errado = p.confere(self.arena, resposta, argumentos)
                except Exception as defeito:
                    errado = f"a conferência parou: {type(defeito).__name__}: {defeito}"[:200]
                if errado:
                    return "crua", f"resposta errada: {errado} -> {curto(resposta)}"
        return "resposta", ""


def curto(valor):
    try:
        return re.sub(r"\s+", " ", re.sub(r"0x\w+", "0x…", repr(valor)))[:70]
    except BaseException:
        return type(valor).__name__


@contextlib.contextmanager
def memoria_limitada():
    """Quem pede memória demais recebe um erro, e não leva a máquina junto."""
    mole, dura = resource.getrlimit(resource.RLIMIT_AS)
    paginas = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    if paginas:
        resource.setrlimit(resource.RLIMIT_AS, (paginas * resource.getpagesize() + MEMORIA, dura))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (mole, dura))


# ---------------------------------------------------------------- todas as tentativas


def tipos_de_entrada(tipo):
    return list(dict.fromkeys((*tipo.genericos, *tipo.deve, *tipo.ruins)))


def combinacoes(so=""):
    """Uma entrada ruim por vez, em cada parâmetro de cada porta."""
    for p in PORTAS.values():
        if p.nome.startswith(so):
            for nome, (_, tipo) in p.bons.items():
                for expressao in tipos_de_entrada(tipo):
                    yield p.nome, ((nome, expressao),)


def pares(sorteio, so=""):
    """Duas entradas ruins de uma vez, sem fim."""
    com_dois = [p for p in PORTAS.values() if len(p.bons) > 1 and p.nome.startswith(so)]
    while com_dois:
        p = sorteio.choice(com_dois)
        yield p.nome, tuple((n, sorteio.choice(tipos_de_entrada(p.bons[n][1]))) for n in sorteio.sample(list(p.bons), 2))


def amostra(cada, sala="", semente=0):
    """`cada` tentativas em cada porta (da sala, se vier uma), sempre as mesmas."""
    sorteio = random.Random(semente)
    por_porta = {}
    for nome, trocas in combinacoes():
        if sala in ("", PORTAS[nome].sala):
            por_porta.setdefault(nome, []).append((nome, trocas))
    return [t for lista in por_porta.values() for t in sorteio.sample(lista, min(cada, len(lista)))]


def le_chamada(escrita):
    """«porta: a=…, b=…», como a lista das cruas escreve -> (porta, trocas)."""
    nome, _, resto = escrita.partition(": ")
    nomes = "|".join(map(re.escape, sorted(PORTAS[nome].bons, key=len, reverse=True)))
    partes = re.split(rf"(?:^|, )(?=(?:{nomes})=)", resto)
    return nome, tuple(tuple(parte.split("=", 1)) for parte in partes if parte)


@contextlib.contextmanager
def bancada():
    onde = os.getcwd()
    with tempfile.TemporaryDirectory(prefix="portas-") as pasta:
        arena = Path(pasta) / "arena"
        arena.mkdir()
        os.chdir(arena)             # um caminho relativo cai na arena, e a foto do disco o vê
        try:
            yield Bancada(arena)
        finally:
            os.chdir(onde)
            with contextlib.suppress(OSError):
                (arena / "so_leitura").chmod(0o755)


def rodar(banca, tentativas, avisa=lambda *_: None, feitas=None):
    feitas = [] if feitas is None else feitas
    for nome, trocas in tentativas:
        try:
            feita = banca.tenta(nome, trocas)
        except Exception as erro:                   # um defeito da bancada numa porta não para as outras
            feita = Tentativa(nome, trocas, "crua", f"a bancada parou: {type(erro).__name__}: {erro}"[:200], erro)
            banca.arena.arquivos()
        if feita.classe != "pulada":
            feitas.append(feita)
        avisa(feita, len(feitas))
    return feitas


def tabela(feitas):
    linhas = [f"{'porta':<28} {'tentativas':>10} {'respostas':>10} {'recusas':>8} {'cruas':>6}"]
    contas = {}
    for t in feitas:
        contas.setdefault(t.porta, collections.Counter())[t.classe] += 1
    contas["total"] = sum(contas.values(), collections.Counter())
    for nome, c in contas.items():
        linhas.append(f"{nome:<28} {sum(c.values()):>10} {c['resposta']:>10} {c['recusa']:>8} {c['crua']:>6}")
    return "\n".join(linhas)


def cruas(feitas, exemplos=4):
    """As cruas, uma por causa, agrupadas por sala."""
    por_causa = {}
    for t in feitas:
        if t.classe == "crua":
            por_causa.setdefault(t.assinatura, []).append(t)
    linhas, salas = [], {}
    for (nome, motivo, onde), lista in por_causa.items():
        salas.setdefault(PORTAS[nome].sala, []).append((nome, motivo, onde, lista))
    for sala, casos in salas.items():
        linhas.append(f"\n## {sala}: {sum(len(c[3]) for c in casos)} cruas, {len(casos)} causas\n")
        for nome, motivo, onde, lista in casos:
            erro = lista[0].erro
            dito = f" — {type(erro).__name__}: {' '.join(str_seguro(erro).split())[:120]}" if erro is not None and not isinstance(erro, Demora) else ""
            linhas.append(f"- **{nome}** ({len(lista)}×) {motivo}{f' [{onde}]' if onde else ''}{dito}")
            for t in lista[:exemplos]:
                linhas.append(f"    - `{t.chamada[:230]}`")
            if len(lista) > exemplos:
                outros = ", ".join(f"{n}={x}"[:40] for t in lista[exemplos : exemplos + 12] for n, x in t.trocas)
                linhas.append(f"    - e mais {len(lista) - exemplos}: {outros}")
    return "\n".join("".join(c if c == "\n" or c.isprintable() else "�" for c in linha) for linha in linhas)


def str_seguro(erro):
    try:
        return str(erro).encode("utf-8", "backslashreplace").decode()
    except BaseException:
        return "(não se imprime)"


def main():
    fala = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    fala.add_argument("--vezes", type=int, default=10_000, help="quantas tentativas, ao menos (padrão: %(default)s)")
    fala.add_argument("--tudo", action="store_true", help="todas as combinações de uma entrada ruim por vez")
    fala.add_argument("--so", default="", help="só as portas cujo nome começa assim")
    fala.add_argument("--tenta", help="uma chamada, como a lista das cruas a escreve")
    fala.add_argument("--semente", type=int, default=0)
    fala.add_argument("--por-dentro", action="store_true", help="também as peças, as figuras e os painéis que não são portas")
    fala.add_argument("--lentas", action="store_true", help="diz as portas que mais demoraram")
    pedido = fala.parse_args()
    torch.set_num_threads(1)
    if pedido.tenta:
        with bancada() as banca:
            feita = banca.tenta(*le_chamada(pedido.tenta))
        print(feita.chamada, "->", feita.classe, feita.motivo)
        if feita.erro is not None:
            traceback.print_exception(feita.erro, limit=-6)
        return
    tempos, relogio = collections.Counter(), [time.perf_counter()]

    def avisa(feita, quantas):
        agora = time.perf_counter()
        tempos[feita.porta] += agora - relogio[0]
        relogio[0] = agora

    sorteio, inicio, feitas = random.Random(pedido.semente), time.perf_counter(), []
    if pedido.tudo or pedido.so:
        fila = combinacoes(pedido.so)
    else:
        de_uma = amostra(pedido.vezes * 4 // 5 // len(PORTAS), semente=pedido.semente)
        fila = itertools.chain(de_uma, itertools.islice(pares(sorteio), max(0, pedido.vezes + pedido.vezes // 50 - len(de_uma))))
    with bancada() as banca, contextlib.suppress(KeyboardInterrupt):        # interrompida, conta o que já fez
        rodar(banca, fila, avisa, feitas)
    print(tabela(feitas))
    print(cruas(feitas))
    kinds = {x for t in feitas for _, x in t.trocas}
    print(f"\n{len({t.porta for t in feitas})} portas, {len(kinds)} entradas ruins diferentes, {len(feitas)} tentativas em {time.perf_counter() - inicio:.0f} s")
    if pedido.lentas:
        print("\n".join(f"{s:7.1f} s  {nome}" for nome, s in tempos.most_common(15)))


if __name__ == "__main__":
    main()
