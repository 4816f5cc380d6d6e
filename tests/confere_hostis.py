"""Respostas hostis: o que um aluno distraído, curioso ou travesso pode dar aos verificadores.

`CASOS` é a lista de (nome, exercício, resposta, vale): `vale` diz se a resposta pode ser aceita. Nenhuma pode derrubar o
verificador, fazê-lo dizer que tropeçou, passar por certa estando errada, nem deixar nada mudado no processo.
`python tests/confere_hostis.py` tenta todas; a suíte tenta uma amostra.
"""

import builtins
import collections
import contextlib
import decimal
import fractions
import functools
import gc
import locale
import logging
import math
import os
import random
import signal
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F
from torch import nn

import gptmini
import respostas
from apoio import confere
from apoio.confere import corretor
from apoio.confere.licoes import feedforward as de_feedforward
from gptmini import GPTMini, LayerNorm
from respostas import CAMADAS, FUNCOES

CASOS = []


def caso(nome, exercicio, resposta, vale=False):
    CASOS.append((f"{exercicio}-{nome}", exercicio, resposta, vale))


# -- objetos que não são o que parecem ----------------------------------------------------------------------

class SempreIgual:
    """Diz que é igual a tudo, e que é verdade."""

    __hash__ = None

    def __eq__(self, outro):
        return True

    def __ne__(self, outro):
        return False

    def __bool__(self):
        return True


class SemRepr:
    def __repr__(self):
        raise RuntimeError("não me mostro")

    __str__ = __format__ = __repr__


class ReprEnorme:
    def __repr__(self):
        return "x" * 100_000_000


class Impostor:
    """`isinstance` acredita nele."""

    def __init__(self, classe):
        self._classe = classe

    @property
    def __class__(self):
        return self._classe


class Teimoso:
    def __getattr__(self, nome):
        raise ZeroDivisionError(nome)


class Inteiro(int):
    def __eq__(self, outro):
        return True

    def __repr__(self):
        raise RuntimeError

    __hash__ = int.__hash__
    __str__ = __repr__
    __ne__ = __lt__ = __gt__ = lambda self, outro: False
    __int__ = __index__ = lambda self: 7


class Real(float):
    __eq__ = __le__ = __ge__ = lambda self, outro: True
    __hash__ = float.__hash__
    __float__ = lambda self: 7.0

    def __repr__(self):
        raise RuntimeError


class Texto(str):
    __eq__ = lambda self, outro: True
    __ne__ = lambda self, outro: False
    __hash__ = str.__hash__


class Lista(list):
    def __len__(self):
        return 2

    def __iter__(self):
        raise RuntimeError("não me percorra")

    __eq__ = lambda self, outro: True


class TensorMentiroso(torch.Tensor):
    """Toda conta com ele dá o que convém."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if "equal" in func.__name__ or "allclose" in func.__name__ or func.__name__ in ("__eq__", "eq"):
            return True
        return super().__torch_function__(func, types, args, kwargs or {})


class TensorTeimoso(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        raise RuntimeError("não me toque")


class TensorOco(torch.Tensor):
    @staticmethod
    def __new__(cls):
        return torch.Tensor._make_wrapper_subclass(cls, (2, 3))

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        raise RuntimeError("não há nada dentro de mim")


async def corrotina():
    return 1


def gerador():
    yield 1


async def gerador_assincrono():
    yield 1


def recursiva():
    lista = []
    lista.append(lista)
    return lista


def funda():
    lista = []
    for _ in range(50_000):
        lista = [lista]
    return lista


VALORES = {
    "meta": lambda: torch.zeros(2, 3, device="meta"), "esparso": lambda: torch.eye(3).to_sparse(), "csr": lambda: torch.eye(3).to_sparse_csr(),
    "quantizado": lambda: torch.quantize_per_tensor(torch.zeros(2), 0.1, 0, torch.qint8), "complexo": lambda: torch.zeros(2, 3, dtype=torch.complex64),
    "conjugado": lambda: torch.zeros(2, dtype=torch.complex64).conj(), "aninhado": lambda: torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]),
    "nan": lambda: torch.full((2, 3), math.nan), "infinito": lambda: torch.full((5, 5), math.inf), "sem eixos": lambda: torch.tensor(1.0),
    "vazio": lambda: torch.zeros(0), "vazio de três": lambda: torch.zeros(0, 2, 3), "meio": lambda: torch.zeros(5, 5, dtype=torch.float16),
    "bfloat16": lambda: torch.zeros(2, 5, 5, dtype=torch.bfloat16), "float8": lambda: torch.zeros(5, 5).to(torch.float8_e4m3fn),
    "uint16": lambda: torch.zeros(5, 5, dtype=torch.uint16), "requer gradiente": lambda: torch.zeros(41, requires_grad=True),
    "parâmetro": lambda: nn.Parameter(torch.zeros(41)), "sem casa": lambda: nn.parameter.UninitializedParameter(), "expandido": lambda: torch.zeros(1).expand(5, 5),
    "mentiroso": lambda: torch.zeros(41).as_subclass(TensorMentiroso), "teimoso": lambda: torch.zeros(41).as_subclass(TensorTeimoso), "oco": TensorOco,
    "muitos eixos": lambda: torch.zeros(*[1] * 40), "sempre igual": SempreIgual, "sem repr": SemRepr, "repr enorme": ReprEnorme,
    "impostor tensor": lambda: Impostor(torch.Tensor), "impostor int": lambda: Impostor(int), "impostor str": lambda: Impostor(str),
    "impostor lista": lambda: Impostor(list), "impostor camada": lambda: Impostor(nn.Module), "objeto teimoso": Teimoso,
    "inteiro mentiroso": lambda: Inteiro(3), "real mentiroso": lambda: Real(0.5), "texto mentiroso": lambda: Texto("ana"), "lista mentirosa": lambda: Lista([1, 2]),
    "inteiro enorme": lambda: 10**5000, "texto enorme": lambda: "ana " * 3_000_000, "bytes": lambda: b"\xff\xfe", "lista recursiva": recursiva,
    "lista funda": funda, "lista de tensores": lambda: [torch.zeros(2), SemRepr()], "par de ocos": lambda: (TensorOco(), TensorOco()),
    "par de meta": lambda: (torch.zeros(3, 4, device="meta"),) * 2, "par de nan": lambda: (torch.full((3, 4), math.nan),) * 2,
    "par de texto": lambda: ("a", "b"), "par de escalares": lambda: (torch.tensor(1), torch.tensor(2)), "array": lambda: numpy.zeros((2, 3)),
    "array de objetos": lambda: numpy.array([SemRepr(), None], dtype=object), "np.float64": lambda: numpy.float64(0.5), "np.bool_": lambda: numpy.bool_(True),
    "np.datetime": lambda: numpy.datetime64("2020-01-01"), "np.void": lambda: numpy.zeros(1, dtype=[("a", int)])[0], "Decimal": lambda: decimal.Decimal("sNaN"),
    "Fraction": lambda: fractions.Fraction(1, 3), "NotImplemented": lambda: NotImplemented, "tipo": lambda: int, "módulo": lambda: math, "função": lambda: recursiva,
    "lambda": lambda: lambda x: x, "camada": lambda: nn.Linear(2, 2), "gerador": gerador, "corrotina": corrotina, "gerador assíncrono": gerador_assincrono,
    "conjunto": lambda: {1, 2}, "dicionário": lambda: {"x": SemRepr()}, "nan solto": lambda: math.nan, "infinito solto": lambda: -math.inf, "complexo solto": lambda: 1j,
    "exceção": lambda: ValueError("devolvida"), "memória": lambda: memoryview(b"abc"), "intervalo": lambda: range(3), "defaultdict": lambda: collections.defaultdict(list),
}


def _com_metodo(exercicio, metodo):
    """A resposta certa do exercício, com o método que se confere trocado."""
    if exercicio == "tokenizador":
        return type("Meu", (respostas.texto.Tokenizador,), {"encode": metodo})
    return type("Minha", (CAMADAS[exercicio],), {"forward": metodo})


for nome, fazer in VALORES.items():
    for exercicio in FUNCOES:
        caso(f"devolve {nome}", exercicio, lambda *a, fazer=fazer: fazer())
    for exercicio in (*CAMADAS, "tokenizador"):
        caso(f"devolve {nome}", exercicio, _com_metodo(exercicio, lambda self, x, fazer=fazer: fazer()))
    caso(f"decode devolve {nome}", "tokenizador", type("Meu", (respostas.texto.Tokenizador,), {"decode": lambda self, ids, fazer=fazer: fazer()}))


# -- exceções -----------------------------------------------------------------------------------------------

class MinhaBase(BaseException):
    pass


class SemTexto(Exception):
    def __str__(self):
        raise RuntimeError("nem eu sei")

    __repr__ = __str__


class TextoEnorme(Exception):
    def __str__(self):
        return "linha\n" * 10_000_000


class SemRastro(Exception):
    __traceback__ = property(lambda self: 1 / 0, lambda self, valor: None)


def _fundo(n):
    return _fundo(n + 1)


def _aviso_que_para():
    warnings.simplefilter("error")
    warnings.warn("parei", stacklevel=1)


def _levanta(erro):
    raise erro


EXCECOES = {
    "MinhaBase": lambda: _levanta(MinhaBase("x")), "SystemExit": lambda: sys.exit("tchau"), "KeyboardInterrupt": lambda: _levanta(KeyboardInterrupt()),
    "GeneratorExit": lambda: _levanta(GeneratorExit()), "StopIteration": lambda: next(iter(())), "StopAsyncIteration": lambda: _levanta(StopAsyncIteration()),
    "grupo": lambda: _levanta(ExceptionGroup("dois", [ValueError("a"), TypeError("b")])),
    "grupo de base": lambda: _levanta(BaseExceptionGroup("um", [KeyboardInterrupt()])), "sem texto": lambda: _levanta(SemTexto()),
    "texto enorme": lambda: _levanta(TextoEnorme()), "sem rastro": lambda: _levanta(SemRastro()), "recursão": lambda: _fundo(0), "memória": lambda: _levanta(MemoryError()),
    "aviso": _aviso_que_para, "surrogado": lambda: _levanta(ValueError("\ud800")), "argumentos": lambda: _levanta(ValueError(SemRepr())),
    "por fazer": lambda: _levanta(NotImplementedError(SemRepr())), "chave": lambda: {}[SempreIgual], "assert": lambda: _levanta(AssertionError({"a": 1})),
    "sem argumentos": lambda: _levanta(NameError()), "atributo": lambda: _levanta(AttributeError("'")), "exec": lambda: exec("1 +"), "unicode": lambda: b"\xff".decode(),
    "falha forjada": lambda: _levanta(corretor.Falha("Certo.")), "chaves": lambda: _levanta(ValueError("{a} {0} {")),
}
for nome, fazer in EXCECOES.items():
    for exercicio in FUNCOES:
        caso(f"levanta {nome}", exercicio, lambda *a, fazer=fazer: fazer())
    for exercicio in (*CAMADAS, "tokenizador"):
        caso(f"levanta {nome}", exercicio, _com_metodo(exercicio, lambda self, x, fazer=fazer: fazer()))
        caso(f"levanta {nome} no construtor", exercicio, type("Minha", (), {"__init__": lambda self, x, fazer=fazer: fazer()}))


# -- o que não é função, ou não é classe, ou é de outro jeito -------------------------------------------------

class Chamavel:
    def __call__(self, *argumentos):
        return None


class ChamavelTeimoso(Teimoso):
    def __call__(self, *argumentos):
        return torch.zeros(3)


class Meta(type):
    def __call__(cls, *argumentos):
        raise MinhaBase("meta")

    __name__ = property(lambda cls: 1 / 0)


class ComMeta(metaclass=Meta):
    pass


class ParametrosTeimosos(nn.Module):
    def __init__(self, x):
        super().__init__()

    def named_parameters(self, *a, **k):
        raise ZeroDivisionError


class PesosEstranhos(nn.Module):
    """Os nomes certos, em tensores que não se copiam."""

    fazer = None

    def __init__(self, x):
        super().__init__()
        for nome, p in LayerNorm(x if isinstance(x, int) else 4).named_parameters():
            setattr(self, nome, nn.Parameter(self.fazer(p), requires_grad=False))

    def forward(self, x):
        return x


def so_por_nome(*, x):
    return x


OBJETOS = {
    "número": 3, "texto": "abc", "tensor": torch.zeros(3), "array": numpy.zeros(3), "sem repr": SemRepr(), "impostor": Impostor(type), "teimoso": Teimoso(),
    "chamável": Chamavel(), "chamável teimoso": ChamavelTeimoso(), "metaclasse": ComMeta, "len": len, "print": print, "dict": dict, "object": object, "type": type,
    "sem argumentos": lambda: 3, "só por nome": so_por_nome, "parcial": functools.partial(torch.zeros, 3), "parcial de menos": functools.partial(so_por_nome, y=1),
    "método": [].append, "método do texto": str.upper, "guardada": functools.cache(lambda *a: torch.zeros(2)), "async": corrotina, "gerador": gerador,
    "estático": staticmethod(recursiva), "propriedade": property(recursiva), "camada": nn.Linear(3, 3), "camada sem forward": nn.Module(), "Tensor": torch.Tensor,
    "nn.Module": nn.Module, "módulo": math, "Sequential": nn.Sequential(), "Inteiro": Inteiro, "Lista": Lista, "parâmetros teimosos": ParametrosTeimosos, "enum": collections.OrderedDict,
    "sempre igual": SempreIgual(), "código": compile("1", "x", "eval"), "tipo sem nome": type("A" * 1_000_000, (), {}), "torch.relu": torch.relu, "lambda": lambda *a, **k: a,
    "exceção": ValueError, "reticências": ..., "nada": None, "NotImplemented": NotImplemented,
    "pesos em meta": type("P", (PesosEstranhos,), {"fazer": lambda s, p: p.detach().to("meta")}),
    "pesos inteiros": type("P", (PesosEstranhos,), {"fazer": lambda s, p: p.detach().long()}),
    "pesos expandidos": type("P", (PesosEstranhos,), {"fazer": lambda s, p: torch.zeros(1).expand(p.shape)}),
    "pesos esparsos": type("P", (PesosEstranhos,), {"fazer": lambda s, p: p.detach().to_sparse()}),
    "preguiçosa": type("P", (nn.Module,), {"__init__": lambda s, x: (nn.Module.__init__(s), setattr(s, "gain", nn.parameter.UninitializedParameter()),
                                                                    setattr(s, "bias", nn.parameter.UninitializedParameter()))[0]}),
}
for nome, objeto in OBJETOS.items():
    for exercicio in corretor.EXERCICIOS:
        caso(f"é {nome}", exercicio, objeto)


# -- efeitos: a resposta mexe no que não é dela ---------------------------------------------------------------

def _sempre(valor):
    return lambda *a, **k: valor


def _trocar(dono, nome, valor):
    return lambda: setattr(dono, nome, valor)


class ModoMentiroso(torch.overrides.TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        return True if "allclose" in func.__name__ or "equal" in func.__name__ else func(*args, **(kwargs or {}))


class ModoDeBaixo(torch.utils._python_dispatch.TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        saida = func(*args, **(kwargs or {}))
        return saida * 0 if isinstance(saida, torch.Tensor) and saida.is_floating_point() else saida


GUARDADAS = []                          # modos deixados abertos: vivos até o fim


def _abrir(modo):
    def efeito():
        GUARDADAS.append(gerente := modo())
        gerente.__enter__()
    return efeito


def _sair_da_pasta():
    os.chdir(tempfile.gettempdir())


def _fio_que_nao_acaba():
    def rodar():
        with contextlib.suppress(SystemExit):
            while True:
                time.sleep(0.001)
    threading.Thread(target=rodar, daemon=True).start()


EFEITOS = {
    "allclose": _trocar(torch, "allclose", _sempre(True)), "equal": _trocar(torch, "equal", _sempre(True)), "isclose": _trocar(torch, "isclose", _sempre(torch.tensor(True))),
    "softmax": _trocar(torch, "softmax", _sempre(torch.zeros(1))), "F.gelu": _trocar(F, "gelu", lambda x, **k: x), "F.layer_norm": _trocar(F, "layer_norm", lambda x, *a: x),
    "F.cross_entropy": _trocar(F, "cross_entropy", lambda a, b, **k: a.sum() * 0), "F.linear": _trocar(F, "linear", lambda x, *a: x),
    "Tensor.double": _trocar(torch.Tensor, "double", lambda s: torch.zeros(())), "Tensor.shape": _trocar(torch.Tensor, "shape", property(_sempre((1,)))),
    "Tensor.__eq__": _trocar(torch.Tensor, "__eq__", _sempre(True)), "Module.__call__": _trocar(nn.Module, "__call__", lambda s, x, *a: x),
    "Linear.forward": _trocar(nn.Linear, "forward", lambda s, x: x), "math.isclose": _trocar(math, "isclose", _sempre(True)), "math.sqrt": _trocar(math, "sqrt", _sempre(1.0)),
    "all": _trocar(builtins, "all", _sempre(True)), "any": _trocar(builtins, "any", _sempre(False)), "isinstance": _trocar(builtins, "isinstance", _sempre(True)),
    "len": _trocar(builtins, "len", _sempre(2)), "zip": _trocar(builtins, "zip", _sempre([])), "print": _trocar(builtins, "print", _sempre(None)), "range": _trocar(builtins, "range", _sempre([])),
    "embutida nova": _trocar(builtins, "minha", 3), "torch novo": _trocar(torch, "minha", 3), "sem allclose": lambda: delattr(torch, "allclose"),
    "time.monotonic": _trocar(time, "monotonic", _sempre(0.0)), "time.sleep": _trocar(time, "sleep", _sempre(None)), "corretor.igual": _trocar(corretor, "igual", _sempre(True)),
    "julgar": _trocar(de_feedforward, "julgar", _sempre({})), "GPTMini.forward": _trocar(GPTMini, "forward", lambda s, *a: (torch.zeros(1, 1, 11), torch.zeros(()))),
    "gptmini.GPTMini": _trocar(gptmini, "GPTMini", None), "LayerNorm.forward": _trocar(LayerNorm, "forward", lambda s, x: x), "diga": _trocar(corretor, "diga", _sempre(None)),
    "gancho global": lambda: nn.modules.module.register_module_forward_hook(lambda m, i, s: None), "gancho que muda": lambda: nn.modules.module.register_module_forward_pre_hook(lambda m, i: None),
    "cwd": _sair_da_pasta, "ambiente": lambda: os.environ.update(MINHA="1", HOME="/"), "print options": lambda: torch.set_printoptions(precision=1, sci_mode=True),
    "recursão": lambda: sys.setrecursionlimit(20_000), "anomalia": lambda: torch.autograd.set_detect_anomaly(True), "sem gradiente": lambda: torch.set_grad_enabled(False),
    "inferência": _abrir(lambda: torch.inference_mode(True)), "dtype": lambda: torch.set_default_dtype(torch.float64), "aparelho": lambda: torch.set_default_device("meta"),
    "autocast": _abrir(lambda: torch.autocast("cpu")), "determinístico": lambda: torch.use_deterministic_algorithms(True), "fios do torch": lambda: torch.set_num_threads(torch.get_num_threads() % 2 + 1),
    "precisão": lambda: torch.set_float32_matmul_precision("medium"), "sys.path": lambda: sys.path.insert(0, "/lugar/nenhum"), "sys.argv": lambda: sys.argv.append("x"),
    "sys.modules": lambda: sys.modules.update(math=SemRepr()), "avisos": lambda: warnings.simplefilter("error"), "locale": lambda: locale.setlocale(locale.LC_ALL, "C.UTF-8"),
    "sys.stdout": _trocar(sys, "stdout", None), "fecha stdout": lambda: sys.stdout.close(), "excepthook": _trocar(sys, "excepthook", None), "sem lixo": gc.disable,
    "registro": lambda: logging.basicConfig(level=1), "alarme": lambda: signal.setitimer(signal.ITIMER_REAL, 50), "np.errstate": lambda: numpy.seterr(all="raise"),
    "np printoptions": lambda: numpy.set_printoptions(precision=1), "semente": lambda: (torch.manual_seed(1), random.seed(1), numpy.random.seed(1)),
    "fio": _fio_que_nao_acaba, "rastro": lambda: threading.settrace(_sempre(None)), "perfil": lambda: sys.setprofile(None), "modo mentiroso": _abrir(ModoMentiroso),
    "modo de baixo": _abrir(ModoDeBaixo), "saved hooks": _abrir(lambda: torch.autograd.graph.saved_tensors_hooks(lambda x: x * 0, lambda x: x)),
    "imprime muito": lambda: print("x" * 5_000_000), "dígitos": lambda: sys.set_int_max_str_digits(0), "random.Random": _trocar(random, "random", _sempre(0.0)),
    "os.environ": lambda: os.environ.clear(), "importa": lambda: __import__("this_nao_existe") if False else __import__("colorsys"),
}


def _fazendo(efeito, f):
    def resposta(*argumentos):
        valor = f(*argumentos)
        efeito()
        return valor
    return resposta


def _com_efeito(exercicio, efeito, resposta):
    """A resposta, que antes de devolver faz o efeito."""
    if not isinstance(resposta, type):
        return _fazendo(efeito, resposta)
    metodo = "encode" if exercicio == "tokenizador" else "forward"
    certo = getattr(resposta, metodo)

    def mexe(self, x):
        valor = certo(self, x)
        efeito()
        return valor
    return type("Mexe", (resposta,), {metodo: mexe})


# As de conta errada: a que só se recusa por chamar a função pronta dá os números certos, e dentro de outra função não se vê.
ERRADAS = {e: r for e, r, palavras in respostas.ERRADAS[::-1] if not any("chama" in p or "solução da lição" in p for p in palavras)}
for i, (nome, efeito) in enumerate(EFEITOS.items()):
    for j, exercicio in enumerate(corretor.EXERCICIOS):
        if (i + j) % 4 == 0 or nome in ("allclose", "equal", "all", "Tensor.double", "modo mentiroso", "modo de baixo"):
            caso(f"errada, e mexe em {nome}", exercicio, _com_efeito(exercicio, efeito, ERRADAS[exercicio]))
        if (i + j) % 8 == 1:
            caso(f"certa, e mexe em {nome}", exercicio, _com_efeito(exercicio, efeito, respostas.PRIMEIRA[exercicio]), vale=True)


# -- entradas mudadas, guardadas e devolvidas -----------------------------------------------------------------

def _estraga_depois():
    guardado = []

    def resposta(x):
        for velho in guardado:
            velho.zero_()
        guardado.append(x)
        return x * 0
    return resposta


def _mesma_memoria():
    memoria = torch.zeros(200)

    def resposta(x):
        memoria[: x.numel()] = F.gelu(x).flatten()
        return memoria[: x.numel()].view(x.shape)
    return resposta


caso("guarda a entrada e a zera depois", "gelu", _estraga_depois())
caso("devolve sempre a mesma memória", "gelu", _mesma_memoria(), vale=True)
caso("tensor de subclasse com os números certos", "gelu", lambda x: F.gelu(x).as_subclass(TensorMentiroso), vale=True)
caso("parâmetro com os números certos", "gelu", lambda x: nn.Parameter(F.gelu(x)), vale=True)
caso("em 64 bits", "gelu", lambda x: F.gelu(x.double()), vale=True)
caso("tensor de inferência", "gelu", torch.inference_mode()(lambda x: F.gelu(x)), vale=True)
caso("dorme", "gelu", lambda x: time.sleep(0.3))
caso("muda a forma da entrada", "gelu", lambda x: F.gelu(x.resize_(3)))
caso("troca a memória da entrada", "gelu", lambda x: setattr(x, "data", torch.zeros(3)) or F.gelu(x))
caso("esvazia a lista", "alvos", lambda tokens, T: tokens.clear())
caso("põe na lista quem diz que é igual", "alvos", lambda tokens, T: tokens.__setitem__(0, SempreIgual()) or (torch.zeros(3, 4), torch.zeros(3, 4)))
caso("resultado de dentro do vmap", "gelu", lambda x: torch.func.vmap(lambda y: GUARDADAS.append(y) or y)(x) * 0 + GUARDADAS[-1])
caso("gradiente que para", "residual", lambda x, s, n: _ParaNaVolta.apply(x + s(n(x))))
caso("conta no lugar depois de guardada", "residual", lambda x, s, n: (x + s(n(x))).exp().log().add_(0) if x.requires_grad else x + s(n(x)), vale=True)


class _ParaNaVolta(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        raise MinhaBase("na volta")


# -- palpites ---------------------------------------------------------------------------------------------------

PALPITES = {
    **{f"valor {nome}": fazer for nome, fazer in VALORES.items() if nome not in ("gerador", "corrotina", "gerador assíncrono")},
    **{repr(v)[:30]: (lambda v=v: v) for v in (
        "4,2", (4, 2), (4, 25), "False", "falso", "sim", "não", "50 %", "50%", "1e3", "1e999", "1.000,5", "640.000", "10 mil", ".5", ",5", "5.", "−3", "~4", "", " ", "abc", "None",
        "٣", "½", "1/2", "0x10", "1_000", "1__0", "--1", "+", ".", "%", "e", "1e", "nan", "inf", (), (1,), (1, 2, 3), ("4", "2"), [4, 2], [], {}, set(), b"4", True, False, 0, 1, -1,
        10**400, -(10**400), 1e308, math.nan, math.inf, numpy.bool_(True), numpy.float64(4.2), numpy.float32("nan"), numpy.int64(3), torch.tensor(4.2), torch.tensor([4.2]),
        torch.tensor([1, 2]), torch.tensor(True), numpy.array(3.0), numpy.array([1, 2]), decimal.Decimal("4.2"), decimal.Decimal("NaN"), fractions.Fraction(1, 2), 2j, ..., None,
        "(2, 5)", (2, 5), ((2, 5),), (2.0, 5), (True, 5), torch.Size((2, 5)), numpy.array([2, 5]), (numpy.int64(2), numpy.int64(5)), "cadb", "C, A, D, B", "C→A→D→B", {"C", "A"},
        ["CA", "DB"], "CADBCADB" * 1000, "ÇÃDB", "C\nA\nD\nB", "1234")},
}


def conferir(exercicio, resposta, segundos=1.0):
    return getattr(confere, exercicio)(resposta, segundos=segundos)


def palpitar(valor):
    """As respostas de todas as portas de palpite a um valor: (ok ou None, o que se disse)."""
    x = torch.randn(2, 5, 4, generator=corretor.sorteio(0))
    linhas = {"A": "x = x * 2", "B": "return x", "C": "x = x + 1", "D": "x = x.sin()"}

    def certa(x):
        x = x + 1
        x = x * 2
        x = x.sin()
        return x

    yield "forma", confere.forma("h", valor, (2, 5))
    for certo in (4.2, 640_000, 0.5, True, False, "pipa"):
        yield f"leitura {certo}", confere.leitura("h", valor, certo, tolerancia=0.01 if isinstance(certo, float) else 0, confusoes={"Essa é outra.": 7})
    yield "ordem", confere.ordem("h", valor, linhas, certa, x)
    for tipo in (float, bool, str):
        dito = confere.palpite(valor, tipo)
        assert dito is None or type(dito) is tipo, (valor, dito)


# -- o que não pode mudar -----------------------------------------------------------------------------------------

def estado():
    """O que é do processo, numa tupla que se compara."""
    return {
        "pasta": os.getcwd(), "ambiente": dict(os.environ), "impressão": dict(vars(torch._tensor_str.PRINT_OPTS)), "recursão": sys.getrecursionlimit(),
        "anomalia": torch.is_anomaly_enabled(), "gradiente": torch.is_grad_enabled(), "inferência": torch.is_inference_mode_enabled(), "dtype": torch.get_default_dtype(),
        "aparelho": torch.get_default_device(), "determinístico": torch.are_deterministic_algorithms_enabled(), "fios do torch": torch.get_num_threads(),
        "precisão": torch.get_float32_matmul_precision(), "sys.path": sys.path[:], "argv": sys.argv[:], "math": sys.modules["math"] is math, "filtros": warnings.filters[:],
        "locale": locale.setlocale(locale.LC_ALL), "saídas": (sys.stdout, sys.stderr, sys.excepthook), "lixo": gc.isenabled(), "registro": (logging.root.level, logging.root.handlers[:]),
        "alarme": signal.getitimer(signal.ITIMER_REAL)[0] > 0, "numpy": (numpy.geterr(), numpy.get_printoptions()), "dígitos": sys.get_int_max_str_digits(),
        "sorteios": (torch.get_rng_state().sum().item(), random.getstate(), str(numpy.random.get_state()[1][:5])), "autocast": torch.is_autocast_enabled("cpu"),
        "ganchos": len(nn.modules.module._global_forward_hooks) + len(nn.modules.module._global_forward_pre_hooks), "rastro": threading.gettrace() if hasattr(threading, "gettrace") else None,
        **{f"{dono.__name__}": hash(tuple((n, id(v)) for n, v in sorted(vars(dono).items(), key=lambda p: p[0]) if type(v) not in (type(sys), dict) and n != "__annotations__"
                                      and (dono is not sys or n in ("stdin", "displayhook"))))
           for dono in (torch, F, nn, math, builtins, time, random, torch.Tensor, nn.Module, nn.Linear, corretor, confere, de_feedforward, GPTMini, LayerNorm, sys)},
    }


def tentar(nome, exercicio, resposta, vale):
    """O que houve de errado com um caso; nada, se foi tudo bem."""
    antes = estado()
    try:
        resultado = conferir(exercicio, resposta)
    except BaseException as erro:
        return f"{nome}: exceção crua {type(erro).__name__}: {str(erro)[:200]}"
    depois = estado()
    mudou = [k for k in antes if antes[k] != depois[k]]
    if mudou:
        return f"{nome}: ficou mudado {mudou}"
    if "tropeçou" in resultado.dica:
        return f"{nome}: {resultado.dica[:300]}"
    if resultado.ok and not vale:
        return f"{nome}: foi aceita"
    if len(resultado.dica) > 1500 or len(repr(resultado)) > 4000:
        return f"{nome}: {len(resultado.dica)} letras"
    return ""


def tentar_palpite(nome, fazer):
    try:
        for porta, resultado in palpitar(fazer()):
            if "tropeçou" in resultado.dica or len(resultado.dica) > 1500:
                return f"{nome} em {porta}: {resultado.dica[:300]}"
    except BaseException as erro:
        return f"{nome}: exceção crua {type(erro).__name__}: {str(erro)[:200]}"
    return ""


if __name__ == "__main__":
    from apoio import pronto

    pronto.MEU = Path(tempfile.mkdtemp()) / "meu-modelo" / "meu_modelo.pt"
    passo = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    inicio, saida, problemas = time.perf_counter(), sys.stdout, []
    with open(os.devnull, "w") as nada:
        sys.stdout = nada
        for um in CASOS[::passo]:
            if problema := tentar(*um):
                problemas.append(problema)
                saida.write(problema + "\n")
                saida.flush()
        for um in list(PALPITES.items())[::passo]:
            if problema := tentar_palpite(*um):
                problemas.append(problema)
                saida.write(problema + "\n")
    sys.stdout = saida
    print(f"{len(CASOS[::passo])} respostas e {len(PALPITES) // passo} palpites (cada um em 8 portas): {len(problemas)} problemas, {time.perf_counter() - inicio:.0f} s")
