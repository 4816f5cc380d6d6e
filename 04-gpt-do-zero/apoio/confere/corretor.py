"""O motor dos verificadores: roda o código de quem estuda sem que ele estrague nada, compara e dá nome ao erro.

Os exercícios estão em licoes/, com as suas frases; as que servem a todos, em geral.toml. Aqui: o `Resultado`, rodar
com tempo e terreno guardados, o registro e o placar, e a comparação com a conta certa e as erradas.
"""

import builtins
import contextlib
import ctypes
import functools
import gc
import html
import io
import itertools
import locale
import logging
import math
import operator
import os
import random
import re
import reprlib
import signal
import sys
import sysconfig
import textwrap
import threading
import time
import tomllib
import traceback
import types
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

import gptmini
from apoio import pronto
from apoio.numeros import formatado
from gptmini.vetores import GPTConfig

_agora = time.monotonic
LIMITE = 5.0      # segundos que uma resposta tem para terminar
EXERCICIOS = {}   # os verificadores de código, pelo nome, na ordem das lições
DICAS = tomllib.loads(Path(__file__).with_name("geral.toml").read_text(encoding="utf-8"))
EIXOS = {"B": "textos do lote", "T": "tokens", "C": "números por token, d_model", "nh": "cabeças",
         "hs": "números por cabeça", "V": "palavras do vocabulário", "N": "janelas"}


# -- o resultado ------------------------------------------------------------------------------------------

@dataclass(frozen=True, repr=False)
class Resultado:
    """A resposta do verificador; no notebook as pistas se abrem uma a uma: a pergunta, o erro, onde olhar."""

    ok: bool
    dica: str
    pistas: tuple = ()

    @property
    def em_branco(self):
        return self.dica.startswith("Em branco")

    @property
    def titulo(self):
        return "Certo." if self.ok else "" if self.em_branco else "Ainda não."

    def __repr__(self):
        mais = "\nHá mais pistas: guarde o resultado, r = confere.…, e veja r.pistas[0], depois r.pistas[1], r.pistas[2]."
        return f"{self.titulo} {self.dica}".strip() + (mais if self.pistas else "")

    def _repr_html_(self):
        # As cores são de veja.COR; importá-la aqui custaria o matplotlib inteiro.
        cor = "#009E73" if self.ok else "#8A8A8A" if self.em_branco else "#D55E00"
        dentro = ""
        for rotulo, pista in list(zip(("Uma pergunta", "O erro", "Onde olhar"), self.pistas, strict=False))[::-1]:
            dentro = (f'<details style="margin:.4em 0 0 1em"><summary>{rotulo}</summary>'
                      f'<p style="margin:.3em 0">{_marcado(pista)}</p>{dentro}</details>')
        return (f'<div style="border-left:4px solid {cor};padding:.2em .8em;max-width:46em"><p style="margin:.3em 0">'
                f"<b>{self.titulo}</b> {_marcado(self.dica)}</p>{dentro}</div>")


def _marcado(texto):
    """Texto com `código` e *grifo* -> HTML."""
    texto = re.sub(r"`(.+?)`", r"<code>\1</code>", html.escape(texto, quote=False))
    return re.sub(r"(?<!\w)\*([\w-]+)\*(?!\w)", r"<i>\1</i>", texto)


class Falha(Exception):
    """Um erro com nome: interrompe a conferência e vira `Resultado`."""

    def __init__(self, dica, pistas=()):
        super().__init__(dica)
        self.resultado = Resultado(False, dica, tuple(pistas))


def diga(nome, /, **valores):
    """A falha «exercício.erro» das dicas, com os valores no lugar das chaves."""
    exercicio, erro = nome.split(".")
    frases = DICAS[exercicio] | DICAS[exercicio][erro]      # o que falta ao erro vem do topo do exercício
    pistas = [frases[p].format(**valores) for p in ("pergunta", "erro", "onde") if p in frases and erro != "em_branco"]
    return Falha(frases["dica"].format(**valores), pistas if len(pistas) == 3 else ())


class _Parar(SystemExit):
    """O tempo acabou. Não é uma `Exception`: um `except Exception` da resposta não a segura."""


# -- rodar o código de quem estuda, sem que ele estrague nada ---------------------------------------------

class _Gaveta(io.StringIO):
    """Recebe o que a resposta imprime: guarda o começo e conta o resto, por mais que seja."""

    escritos = 0

    def close(self):
        """Quem a fecha é o verificador, e não a resposta."""

    def write(self, texto):
        super().write(texto[: max(0, 2000 - self.escritos)])
        self.escritos += len(texto)
        return len(texto)

    def mostrar(self):
        inicio = "\n".join(self.getvalue().splitlines()[:12])
        if self.escritos:
            resto = "\n  …" if self.escritos > len(inicio) + 1 else ""
            print("O seu código imprimiu:\n" + textwrap.indent(inicio, "  ") + resto)


# As funções e as classes que a conferência usa: uma resposta pode trocá-las (`torch.allclose = …`), de propósito ou não.
_EMBUTIDAS = vars(builtins)
_DO_TORCH = [builtins, math, torch, F, nn, torch.Tensor, nn.Module, nn.Parameter, nn.Linear, nn.Embedding, nn.Dropout, nn.ModuleList]
_DE_CASA = [c for c in vars(nn).values() if isinstance(c, type) and c not in _DO_TORCH] + [
    m for m in {**globals()}.values() if isinstance(m, types.ModuleType) and m not in (builtins, math, torch, F, nn, warnings)]


def _do_curso():
    modulos = [m for nome, m in [*sys.modules.items()] if nome.partition(".")[0] in ("gptmini", "apoio") and isinstance(m, types.ModuleType)]
    return modulos + [c for m in modulos for c in vars(m).values() if isinstance(c, type) and c.__module__ == m.__name__]


def _foto(donos):
    return [(dono, dict(vars(dono))) for dono in donos]


def _mexido(dono, antes, mesmo=operator.is_):
    agora = vars(dono)
    return len(agora) != len(antes) or not all(map(mesmo, agora.values(), antes.values()))


def _repor(foto, sobras=True):
    """Devolve aos donos o que foi trocado ou apagado; `sobras`: apaga também o que foi acrescentado."""
    for dono, antes in foto:
        if not _mexido(dono, antes):
            continue
        agora = vars(dono)
        for nome, valor in antes.items():
            if agora.get(nome, antes) is not valor:
                setattr(dono, nome, valor)
        if sobras or isinstance(dono, type):            # numa classe, um nome a mais esconde o que ela herda
            for nome in [n for n in agora if n not in antes]:
                # Importar não é estragar, e o Python tem os seus registros (`__warningregistry__`, `__annotations__`).
                if not isinstance(agora[nome], (types.ModuleType, dict)):
                    delattr(dono, nome)


_PUROS = _foto(_DO_TORCH)
_GANCHOS = [g for nome in ("torch.nn.modules.module", "torch.optim.optimizer") for n, g in vars(sys.modules[nome]).items()
            if n.startswith("_global_") and isinstance(g, dict)]


def _so_o_torch_puro(ganchos=()):
    """O que vale enquanto é o verificador que calcula: as funções do torch, sem ganchos e sem modos deste fio."""
    _EMBUTIDAS.update(_PUROS[0][1])                     # primeiro: o resto desta função precisa delas
    _repor(_PUROS, sobras=False)
    _repor(_VISTA[-1][1], sobras=False)
    for gancho, antes in zip(_GANCHOS, ganchos or itertools.repeat({})):
        if gancho or antes:
            gancho.clear()
            gancho.update(antes)
    if torch.get_default_device().type != "cpu":
        torch.set_default_device(None)
    while torch._C._len_torch_function_stack():
        torch._C._pop_torch_function_stack()
    while torch._C._len_torch_dispatch_stack():
        torch._C._pop_torch_dispatch_stack(None)
    while torch._C._autograd._top_saved_tensors_default_hooks(True):
        torch._C._autograd._pop_saved_tensors_default_hooks()
    if torch.is_autocast_enabled("cpu"):
        torch.set_autocast_enabled("cpu", False)
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    if warnings.filters[:1] != [("ignore", None, Warning, None, 0)]:
        warnings.simplefilter("ignore")


def _do_processo():
    """[(ler, repor)] do que é do processo inteiro."""
    def lista(dela):
        return lambda: dela[:], lambda antes: dela.__setitem__(slice(None), antes)

    def tabela(dela):
        return lambda: dict(dela), lambda antes: (dela.clear(), dela.update(antes))

    registro, opcoes = logging.root, vars(sys.modules["torch._tensor_str"].PRINT_OPTS)
    pares = [
        (os.getcwd, os.chdir), tabela(os.environ), tabela(opcoes), *map(lista, (sys.path, sys.meta_path, sys.path_hooks, sys.argv)),
        (lambda: dict(sys.modules), lambda antes: sys.modules.update(antes)),
        (sys.getrecursionlimit, sys.setrecursionlimit), (sys.getswitchinterval, sys.setswitchinterval),
        (sys.get_int_max_str_digits, sys.set_int_max_str_digits),
        (gc.isenabled, lambda ligado: gc.enable() if ligado else gc.disable()),
        (lambda: locale.setlocale(locale.LC_ALL), lambda antes: locale.setlocale(locale.LC_ALL, antes)),
        lista(registro.handlers), (lambda: registro.level, registro.setLevel),
        (lambda: registro.manager.disable, lambda antes: setattr(registro.manager, "disable", antes)),
        (torch.get_default_dtype, torch.set_default_dtype), (torch.get_num_threads, torch.set_num_threads),
        (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
        (lambda: (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
         lambda antes: torch.use_deterministic_algorithms(antes[0], warn_only=antes[1])),
        (lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()), lambda antes: torch.set_anomaly_enabled(*antes)),
        *map(tabela, _GANCHOS), (random.getstate, random.setstate),
    ]
    if numpy := sys.modules.get("numpy"):
        def sorteios():
            nome, chave, *resto = numpy.random.get_state()
            return nome, chave.tobytes(), *resto

        pares += [(sorteios, lambda antes: numpy.random.set_state((antes[0], numpy.frombuffer(antes[1], numpy.uint32), *antes[2:]))),
                  (numpy.geterr, lambda antes: numpy.seterr(**antes)),
                  (numpy.get_printoptions, lambda antes: numpy.set_printoptions(**antes))]
    if hasattr(signal, "getitimer"):                    # um `signal.alarm` esquecido mataria o kernel mais tarde
        pares.append((lambda: signal.getitimer(signal.ITIMER_REAL)[0] > 0, lambda tinha: tinha or signal.setitimer(signal.ITIMER_REAL, 0)))
    return pares


@contextlib.contextmanager
def _tudo_como_estava(gaveta):
    """O que é do processo inteiro volta ao que era, haja o que houver."""
    pares, fios, placas = _do_processo(), set(threading.enumerate()), range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    valores = []
    for ler, repor in pares:
        with contextlib.suppress(OSError):              # a pasta de agora pode já não existir
            valores.append((ler, repor, ler()))
    with (torch.random.fork_rng(devices=placas), warnings.catch_warnings(),
          contextlib.redirect_stdout(gaveta), contextlib.redirect_stderr(gaveta)):
        fotos = _foto(_DO_TORCH), _foto(_do_curso()), _foto(_DE_CASA)
        _VISTA.append((fotos[0] if any(itertools.starmap(_mexido, _PUROS)) else (), fotos[1]))
        try:
            warnings.simplefilter("ignore")
            torch.manual_seed(0)
            yield
        finally:
            _EMBUTIDAS.update(fotos[0][0][1])
            _VISTA.pop()
            for foto in fotos:
                _repor(foto)
            for ler, repor, antes in valores:
                with contextlib.suppress(OSError):
                    if ler() != antes:
                        repor(antes)
            _acabar_com([fio for fio in threading.enumerate() if fio not in fios])


_VISTA = []       # o torch do notebook, se não é o puro (é com ele que a resposta roda), e o gptmini


def _acabar_com(fios):
    """Os fios que a resposta abriu e deixou rodando: pede que parem, e não espera por quem não ouve."""
    fim = _agora() + 0.2
    while (vivos := [fio for fio in fios if fio.is_alive()]) and _agora() < fim:
        for fio in vivos:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(fio.ident), ctypes.py_object(SystemExit))
        vivos[0].join(0.02)


def _rodar(corpo, segundos):
    """Roda `corpo` num fio à parte, que se pode interromper; o que ele devolveu ou levantou.

    Vale em notebook e no Windows, onde não há `signal.alarm`; e o modo de gradiente, que é de cada fio, fica a
    salvo. Só não se interrompe o que está dentro de uma chamada em C, como `sleep`: esse fio fica para trás.
    """
    caixa, acabou = [], threading.Event()

    def alvo():
        try:
            caixa.append(corpo())
        except BaseException as erro:
            caixa.append(erro)
        finally:
            acabou.set()

    fio = threading.Thread(target=alvo, daemon=True)
    fio.start()
    onde, parou = "", True
    try:
        _esperar(fio, acabou, segundos)
    finally:                                    # também quando se interrompe a célula durante a espera
        if demorou := not acabou.is_set():
            onde, parou = _linha_do_aluno(_pilha(fio)), _parar(fio, acabou)
    if not demorou:
        return caixa[0]
    aviso = "" if parou else " Não consegui interrompê-lo: reinicie o kernel (menu Kernel › Restart) antes de seguir."
    return diga("geral.nao_terminou", segundos=pt(segundos), onde=onde.strip() or "rodando", aviso=aviso)


def _esperar(fio, acabou, segundos):
    """Espera até o prazo; carregar uma biblioteca não é demora da resposta, e ganha mais prazo."""
    fim = _agora()
    for _ in range(20):
        fim += segundos
        while _agora() < fim:           # em fatias: no Windows, só entre elas se nota a célula interrompida
            if acabou.wait(0.05):
                return
        if not any("<frozen importlib" in passo.filename for passo in _pilha(fio)):
            return


def _pilha(fio):
    """Onde o fio está agora; nada, se já acabou."""
    quadro = sys._current_frames().get(fio.ident)
    return traceback.extract_stack(quadro) if quadro else []


def _parar(fio, acabou):
    """Pede ao fio que levante `_Parar`, por até um segundo; diz se ele parou."""
    fim = _agora() + 1
    while _pilha(fio) and _agora() < fim:       # insiste: um `except:` sem tipo engole o pedido
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(fio.ident), ctypes.py_object(_Parar))
        acabou.wait(0.02)
    return not _pilha(fio)


_ALHEIOS = tuple(os.path.normcase(str(pasta)) + os.sep for pasta in (
    Path(__file__).parents[1], Path(gptmini.__file__).parent, Path(torch.__file__).parent,
    *map(sysconfig.get_path, ("stdlib", "purelib", "platlib"))))


def _linha_do_aluno(pilha):
    """« na linha 3, `q @ k`»: a linha mais funda que não é do curso nem de uma biblioteca."""
    for passo in reversed(pilha):
        if not os.path.normcase(passo.filename).startswith((*_ALHEIOS, "<frozen")):
            return f" na linha {passo.lineno}" + (f", `{passo.line.replace('`', ' ')}`" if passo.line else "")
    return ""


_FRASES = [   # (tipo, trecho da mensagem, o que quer dizer); vale a primeira que servir
    (NameError, "", "Um nome não existe nesse ponto: falta criá-lo antes ou recebê-lo no `def`? Se é de outra célula, rode-a; se nada disso, "
                    "confira a grafia."),
    (AttributeError, "before Module.__init__", "O construtor precisa começar por `super().__init__()`."),
    (TypeError, "got float|not float|'float' object cannot", "Veio um float onde só cabe inteiro: `/` dá float; use `//`."),
    (Exception, r"bitwise_xor|for \^", "No Python, potência é `**`; `^` é outra operação."),
    (Exception, "return_types", "Isso devolve dois tensores, os valores e os lugares: separe-os, como em `valores, ids = logits.topk(k)`."),
    (ValueError, "to unpack", "De um lado do `=` há mais nomes que valores, ou menos: quantos eixos, ou quantas partes, vêm da direita?"),
    (Exception, "tuple", "Uma das coisas dessa linha é uma tupla, vários valores juntos (é o que `chunk` e `split` devolvem): separe-os "
                         "antes, como em `logits, loss = model(x, y)`. Se era um decimal, em Python é com ponto: `0.5`."),
    (Exception, "not implemented for '(Long|Int)'", "Essa conta só aceita números com vírgula, e veio um tensor de inteiros: são ids?"),
    (Exception, "operator.invert|bitwise_not", "`~` só troca verdadeiro e falso, e veio um tensor de números: faça a máscara com `dtype=torch.bool`, "
                                               "ou compare, como em `m == 0`."),
    (RuntimeError, "invert a", "Verdadeiro e falso não se subtraem: o contrário da máscara é `~m`."),
    (RuntimeError, "Boolean value", "`if`, `not`, `and` e o `max` do Python querem um verdadeiro ou falso só, e veio um tensor: "
                                              "use `~`, `torch.where`, `clamp` ou `torch.maximum`."),
    (RuntimeError, "scalar outputs", "`backward` parte de um número só: chame-o na perda, o segundo valor de `model(x, y)`."),
    (RuntimeError, "to Scalar", "`.item()` só serve a tensor de um número."),
    (RuntimeError, "Index tensor", "`gather` quer o índice com tantos eixos quantos a tabela: ponha um no fim, `[..., None]`."),
    (TypeError, r"unsupported operand.*'(function|method|type|(?!Tensor|NoneType)[A-Z]\w+)'",
     "Uma das coisas dessa conta é uma camada ou uma função, e não um tensor: chame-a com parênteses, como em `sublayer(x)`."),
    (TypeError, r"must be Tensor, not (?!NoneType)[A-Z]\w", "O que chegou ali é uma camada, e não um tensor. Camada primeiro se cria, depois se chama: "
                                             "`nn.GELU()(h)`."),
    (TypeError, r"missing 1 required positional arguments?: \"dim\"", "Falta dizer em que eixo: `dim=-1` é o último."),
    (Exception, "NoneType", "Uma das coisas dessa linha é `None`, e a conta não sabe o que fazer com ele."),
    (AttributeError, "'(float|int)' object", "Isso já é um número do Python, e não um tensor: um `.item()` veio cedo demais?"),
    (AttributeError, "", "O objeto não tem isso: confira a grafia e o que a variável guarda."),
    (TypeError, "positional argument", "A chamada e a definição não combinam: confira quantos argumentos há (num método, o "
                                       "primeiro é `self`). Se há um decimal com vírgula, troque-a por ponto: `0.5`."),
    (TypeError, "argument", "A função não aceita esse argumento: confira o nome e o tipo de cada um."),
    (TypeError, "expected string", "Era para ser um texto, e veio outra coisa: falta percorrer a lista?"),
    (TypeError, "unhashable", "Lista, dicionário e conjunto não servem de chave; uma tupla serve."),
    (ValueError, "is not in list", "O que se procurou não está na lista."),
    (ValueError, "expected sequence", "As linhas têm tamanhos diferentes: a última ficou mais curta?"),
    (Exception, "one element", "Uma função de `math`, ou um `if`, só aceita um número, e veio um tensor: use a "
                                     "função do torch."),
    (RuntimeError, "reshape", "`view` só reparte números que estão em fila, e depois de `split` ou `transpose` não estão. "
                              "Para repartir cabeças, `view(B, T, nh, hs)` e então `transpose(1, 2)`; para juntá-las, "
                              "`transpose` e então `reshape`."),
    (RuntimeError, "same number of dimensions", "Os dois lados têm números de eixos diferentes: `keepdim=True` guarda o eixo."),
    (Exception, "[Ee]xpected (target|input batch)", "`cross_entropy` quer (N, V) e (N,): achate lote e tokens nos dois."),
    (RuntimeError, "invalid for input of size", "Os números não cabem nessa forma: o produto dos eixos muda."),
    (RuntimeError, "in-?place", "Uma conta mudou um tensor no lugar: crie outro, em vez de usar `+=` ou `x[…] =`."),
    (RuntimeError, "dtype|scalar type", "Os tipos não combinam: um lado é inteiro, ou tem outra precisão."),
    (RuntimeError, "size|shape|dimension", "As formas não combinam nesta conta: imprima `.shape` dos dois lados."),
    (RuntimeError, "probability tensor", "`torch.multinomial` sorteia com probabilidades: antes dela falta o softmax, ou há "
                                         "um número negativo, infinito ou `nan`."),
    (RuntimeError, "does not require grad", "O caminho dos gradientes foi cortado antes dessa linha."),
    (RuntimeError, "index", "Um índice passou do fim."),
    (IndexError, "", "Um índice passou do fim, ou o tensor tem menos eixos do que parece."),
    (KeyError, "", "O dicionário não tem essa chave."),
    (RecursionError, "", "A função chama a si mesma sem parar."),
    (SystemExit, "", "O código mandou encerrar o Python."),
]


def frase_de(erro):
    """O que a exceção quer dizer, em português; nada, se nenhuma frase serve."""
    mensagem = _texto_de(erro)
    if isinstance(erro, AttributeError) and (nome := re.search(r"^'[A-Z]\w+' object has no attribute '(\w+)'", mensagem)):
        return f"O objeto não tem `{nome[1]}`: confira a grafia, e se o construtor deste exercício o cria."
    if isinstance(erro, NameError) and (nome := re.search(r"name '(\w+)' is not defined", mensagem)):
        if nome[1] in _do_objeto(erro):
            return "`{0}` é do objeto: dentro da classe ele se chama `self.{0}`.".format(nome[1])
        return (f"O nome `{nome[1]}` não existe nesse ponto: falta criá-lo antes ou recebê-lo no `def`? "
                "Se é de outra célula, rode-a; se nada disso, confira a grafia.")
    return next((f for tipo, trecho, f in _FRASES if isinstance(erro, tipo) and re.search(trecho, mensagem)), "")


def _do_objeto(erro):
    """Os nomes que há no `self` da função que parou, se ele é uma camada; sem rodar código dela."""
    quadros = [quadro for quadro, _ in traceback.walk_tb(BaseException.__traceback__.__get__(erro))]
    dono = quadros[-1].f_locals.get("self") if quadros else None
    if dono is None or not e_um(dono, nn.Module):
        return set()
    guardados = object.__getattribute__(dono, "__dict__")
    pecas = [guardados[onde] for onde in ("_modules", "_parameters", "_buffers") if type(guardados.get(onde)) is dict]
    return set(guardados).union(*pecas, *(type.__dict__["__dict__"].__get__(classe) for classe in type(dono).__mro__[:-1] if classe is not nn.Module))


def _texto_de(erro):
    """A mensagem da exceção; uma que nem sabe se descrever, ou que não acaba, não derruba ninguém."""
    try:
        texto = str(erro)
    except _Parar:
        raise
    except BaseException:
        texto = ""
    return str.__str__(texto)[:2000]


def _explicar(erro, argumentos):
    """A exceção da resposta -> uma falha que diz a linha, o que quer dizer e com que entrada foi."""
    mensagem = (_texto_de(erro).strip().splitlines() or [""])[0][:160].rstrip(".")
    frase = frase_de(erro)
    linha = _linha_do_aluno(traceback.extract_tb(BaseException.__traceback__.__get__(erro)))
    return diga("geral.parou", linha=linha, frase=frase and f" {frase}", erro=f"{nome_do_tipo(erro)}: {mensagem}",
                entrada=", ".join(map(descrever, argumentos)) or "nada")


# -- ver o que veio, sem acreditar no que ele diz de si -----------------------------------------------------

def nome_do_tipo(valor):
    return type.__dict__["__name__"].__get__(type(valor))[:60]


def e_um(valor, tipos):
    """`isinstance`, pelo tipo de verdade, e não pelo que o objeto diz ser."""
    return issubclass(type(valor), tipos)


class _Mostra(reprlib.Repr):
    """`repr` do que é do Python, e curto; de outro objeto, só o tipo: o `repr` dele pode não acabar, ou parar."""

    def __init__(self):
        super().__init__()
        self.maxtuple = self.maxlist = self.maxset = 12
        self.maxstring = 80

    def repr1(self, valor, nivel):
        if type(valor) is int and valor.bit_length() > 200:
            return "um inteiro enorme"
        if type(valor) in (int, float, complex, bool, type(None), type(...)):
            return repr(valor)
        if type(valor) is str:
            return self.repr_str(valor[:200], nivel)
        if type(valor) in (tuple, list, set, frozenset, dict):
            return super().repr1(valor, nivel)
        return repr(n) if (n := cru(valor)) is not None else f"um {nome_do_tipo(valor)}"


def mostrar(valor):
    return _Mostra().repr(valor)


def cru(valor):
    """O bool, int, float ou complex que há em `valor` (do Python, do NumPy, um tensor de um número); None, se nenhum."""
    numpy = sys.modules.get("numpy")
    if e_um(valor, torch.Tensor):
        valor = comum(valor)
        valor = valor.item() if valor is not None and valor.numel() == 1 else None
    elif numpy and e_um(valor, numpy.ndarray):
        valor = numpy.ndarray.item(valor) if numpy.ndarray.size.__get__(valor) == 1 else None
    elif numpy and e_um(valor, numpy.generic):
        valor = numpy.generic.item(valor)
    for tipo in (bool, int, float, complex):
        if e_um(valor, tipo):
            return valor if type(valor) is tipo else {int: int.__int__, float: float.__float__, complex: complex.__complex__}[tipo](valor)
    return None


def comum(valor):
    """Um tensor da resposta -> cópia como tensor simples, na memória; None, se não há números comuns nele."""
    if type(valor).__torch_dispatch__ is not torch.Tensor.__torch_dispatch__:       # uma subclasse sem números dentro
        return None
    with torch._C.DisableTorchFunctionSubclass():
        if valor.is_meta or valor.is_nested or valor.is_quantized or valor.layout != torch.strided:
            return None
        return valor.detach().as_subclass(torch.Tensor).resolve_conj().resolve_neg().cpu().clone()


def uma_sequencia(valor):
    """Os itens de uma lista ou tupla, numa lista de verdade; None, se não é uma."""
    tipo = next((t for t in (list, tuple) if e_um(valor, t)), None)
    return tipo and [*tipo.__iter__(valor)]


_FUNCOES = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.MethodDescriptorType)


def descrever(valor):
    if e_um(valor, torch.Tensor):
        return "um tensor sem números comuns" if (simples := comum(valor)) is None else f"um tensor de forma {tuple(simples.shape)}"
    if e_um(valor, GPTConfig):
        return (f"uma ficha com d_model={valor.d_model}, n_heads={valor.n_heads}, n_layers={valor.n_layers} "
                f"e context_length={valor.context_length}")
    if (itens := uma_sequencia(valor)) is not None:
        return f"uma {'tupla' if e_um(valor, tuple) else 'lista'} de {len(itens)}"
    if type(valor) in _FUNCOES:
        return f"a função `{valor.__name__}`, sem chamá-la com parênteses"
    if e_um(valor, float):
        return f"{mostrar(cru(valor))} (float)"
    return mostrar(valor)


def nome_de(f):
    nome = getattr(f, "__name__", None)
    return nome[:60] if type(nome) is str else nome_do_tipo(f)


def _copia(valor):
    return valor.clone() if isinstance(valor, torch.Tensor) else valor[:] if isinstance(valor, list) else valor


def _intacto(veio, era):
    """A entrada que a resposta recebeu ainda é igual à que lhe demos?"""
    if isinstance(era, torch.Tensor):
        return veio.dtype == era.dtype and veio.layout == era.layout and torch.equal(veio, era)
    return not isinstance(era, list) or (len(veio) == len(era) and all(v is e or type(v) is type(e) and v == e for v, e in zip(veio, era, strict=True)))


_SEM_VALOR = {types.GeneratorType: "um gerador: troque `yield` por `return`", types.CoroutineType: "uma conta por fazer: tire o `async` do `def`",
              types.AsyncGeneratorType: "um gerador assíncrono: tire o `async` e troque `yield` por `return`"}


def chamar(f, *argumentos):
    """Chama o código de quem estuda e devolve o que ele deu; o que sair errado vira falha.

    Ele recebe cópias: o que fizer com elas, agora ou mais tarde, não chega aos casos com que se compara.
    """
    entregues, erro, valor = [_copia(a) for a in argumentos], None, None
    ganchos = [dict(g) for g in _GANCHOS] if any(_GANCHOS) else ()
    try:
        _repor(_VISTA[-1][0])
        with torch.inference_mode(False):
            valor = f(*entregues)
    except (_Parar, Falha):
        raise
    except BaseException as que:
        erro = que
    finally:
        _so_o_torch_puro(ganchos)
    if isinstance(erro, NotImplementedError) and (texto := _texto_de(erro)):
        raise diga("geral.sem_forward") if '"forward"' in texto else _explicar(erro, argumentos)
    if erro is not None and not isinstance(erro, NotImplementedError):      # sozinho, é o jeito de deixar para depois
        raise _explicar(erro, argumentos)
    if not all(map(_intacto, entregues, argumentos)):
        raise diga("geral.entrada_mudada")
    if valor is None or valor is ...:
        raise diga("geral.reticencias" if valor is ... else "geral.nada_devolvido", nome="forward" if isinstance(f, nn.Module) else nome_de(f))
    if type(valor) in _SEM_VALOR:
        if type(valor) is types.CoroutineType:
            valor.close()
        raise diga("geral.sem_valor", veio=_SEM_VALOR[type(valor)])
    return valor


def exigir(resposta, classe=False):
    """O exercício pede uma função, ou uma classe: recusa o resto com uma frase."""
    if resposta is None or resposta is ...:
        raise diga("geral.em_branco")
    if not callable(resposta) or (classe and e_um(resposta, nn.Module)):
        pedido = "a própria classe" if classe else "a própria função"
        raise diga("geral.sem_parenteses", veio=descrever(resposta), pedido=pedido)
    if isinstance(resposta, type) and not classe:
        raise diga("geral.classe_por_funcao", nome=nome_de(resposta))


def _codigos(codigo):
    """Um código e os que estão dentro dele."""
    dentro = [c for c in codigo.co_consts if type(c) is types.CodeType]
    return [codigo, *itertools.chain.from_iterable(map(_codigos, dentro))]


def recusar_copia(classe, solucao, *outras):
    """Recusa a classe que só chama a solução da lição, ou herda dela o `forward`; `outras`: nomes de mais soluções."""
    prontas = {solucao.__name__, *outras}
    ler = {nome: type.__dict__[nome].__get__ for nome in ("__mro__", "__name__", "__dict__")}
    for dela in ler["__mro__"](classe) if e_um(classe, type) else ():
        if dela is nn.Module:
            break
        if dela is solucao or ler["__name__"](dela) in outras:      # chegou a ela sem achar um `forward` próprio
            raise diga("geral.so_chama", nome=ler["__name__"](dela))
        metodos = [f for f in ler["__dict__"](dela).values() if type(f) is types.FunctionType]
        usados = {nome for f in metodos for codigo in _codigos(f.__code__) for nome in codigo.co_names}
        if usados & prontas:
            raise diga("geral.so_chama", nome=min(usados & prontas))
        if "forward" in ler["__dict__"](dela):
            break


def chama(resposta, proibidos):
    """O primeiro dos nomes proibidos que o código da resposta usa, ou o das funções dela que ele chama; None, se nenhum."""
    vistas, fila = set(), [resposta]
    while fila and len(vistas) < 100:
        f = fila.pop()
        codigo = f if isinstance(f, types.CodeType) else getattr(f, "__code__", None)
        if not isinstance(codigo, types.CodeType) or codigo in vistas:
            continue
        vistas.add(codigo)
        if achado := next((nome for nome in codigo.co_names if nome in proibidos), None):
            return achado
        globais = getattr(f, "__globals__", {})
        fila += [c for c in codigo.co_consts if isinstance(c, types.CodeType)]
        fila += [globais[nome] for nome in codigo.co_names if isinstance(globais.get(nome), types.FunctionType)]
    return None


def recusar_pronta(resposta, *prontas):
    """Recusa a função que chama a solução da lição; `prontas`: os nomes dela."""
    if nome := chama(resposta, prontas):
        raise diga("geral.so_chama", nome=nome)


def um_tensor(valor):
    """O que a resposta devolveu, como tensor simples, copiado: outra chamada pode reusar a memória dela."""
    if not e_um(valor, torch.Tensor):
        como = {"ndarray": " Um array do NumPy vira tensor com `torch.from_numpy`.",
                "tuple": " São vários tensores juntos, como os de `chunk` e de `split`: empilhe-os com `torch.stack`, junte-os com "
                         "`torch.cat`, ou devolva só o que foi pedido." if _so_tensores(valor) else
                         " Se era um decimal, em Python ele se escreve com ponto: `0.5`.",
                "list": " Uma lista de números vira tensor com `torch.tensor`; uma de tensores, com `torch.stack`."}
        raise diga("geral.nao_e_tensor", veio=descrever(valor), como=como.get(nome_do_tipo(valor), ""))
    if (simples := comum(valor)) is None or simples.is_complex():
        raise diga("geral.tensor_sem_numeros")
    return simples


def _so_tensores(valor):
    itens = uma_sequencia(valor)
    return bool(itens) and all(e_um(item, torch.Tensor) for item in itens)


def uma_lista_de_numeros(valor):
    """Uma lista ou tupla de números, ou um tensor de um eixo -> tensor (n,); None, se não é isso."""
    if e_um(valor, torch.Tensor):
        simples = comum(valor)
        return simples if simples is not None and simples.dim() == 1 and not simples.is_complex() else None
    itens = uma_sequencia(valor)
    numeros = [cru(item) for item in itens] if itens is not None else [None]
    if any(type(n) not in (bool, int, float) or type(n) is int and n.bit_length() > 200 for n in numeros):
        return None
    return torch.tensor([float(n) for n in numeros], dtype=torch.double)


def um_numero(valor, recusa):
    """O número que a resposta devolveu, em 64 bits; `recusa`: o nome da falha do que não é um."""
    numero = cru(valor)
    if type(numero) not in (int, float):
        raise diga(recusa, veio=descrever(valor))
    return torch.tensor(float(numero) if abs(numero) < 1e300 else math.inf, dtype=torch.float64)


def um_inteiro(valor):
    n = cru(valor)
    if e_um(valor, torch.Tensor) or type(n) is not int:
        raise diga("geral.nao_e_inteiro", veio=descrever(valor))
    if n.bit_length() > 62:
        raise diga("geral.inteiro_enorme")
    return n


def _culpa_da_resposta(erro, resposta):
    """A exceção saiu de uma linha da resposta, que o verificador rodou sem querer (um `__getattr__`, uma propriedade)?"""
    modulo = getattr(type(resposta) if not hasattr(resposta, "__module__") else resposta, "__module__", None)
    return any(quadro.f_globals.get("__name__") == modulo for quadro, _ in traceback.walk_tb(BaseException.__traceback__.__get__(erro)))


def responder(nome, corpo, segundos, resposta=None):
    """Roda a conferência e monta o `Resultado`; nada que a resposta faça passa daqui."""
    def preparado():
        _so_o_torch_puro()
        return corpo()

    gaveta = _Gaveta()
    with _tudo_como_estava(gaveta):
        desfecho = _rodar(preparado, segundos)
        if isinstance(desfecho, BaseException) and not isinstance(desfecho, Falha) and _culpa_da_resposta(desfecho, resposta):
            desfecho = _explicar(desfecho, ())
    gaveta.mostrar()
    if isinstance(desfecho, Falha):
        return desfecho.resultado
    if isinstance(desfecho, BaseException):
        erro = "".join(traceback.format_exception_only(desfecho)).strip()
        return Resultado(False, f"O verificador tropeçou, e a culpa é dele, não sua: {erro}. Conte para nós.")
    _anotar(nome)
    return Resultado(True, desfecho)


def exercicio(dicas):
    """Faz de `corpo(resposta) -> frase` um verificador, que nunca passa de `segundos`, e o registra com as suas dicas."""
    def registrar(corpo):
        nome = corpo.__name__

        @functools.wraps(corpo)
        def verificador(resposta, segundos=LIMITE):
            return responder(nome, lambda: corpo(resposta), segundos, resposta)

        EXERCICIOS[nome], DICAS[nome] = verificador, tomllib.loads(dicas)
        return verificador
    return registrar


# -- o placar ---------------------------------------------------------------------------------------------

_ACERTOS = set()      # os desta sessão, para quando não se pode gravar


def _arquivo():
    return pronto.MEU.parent / "placar.txt"      # ao lado do modelo de quem estuda


def _gravados():
    with contextlib.suppress(OSError):
        linhas = _arquivo().read_text(encoding="utf-8", errors="replace").splitlines()
        return {linha for linha in linhas if re.fullmatch(r"[\w.-]{1,40}", linha)}
    return set()


def _anotar(nome):
    """Uma linha por acerto, só acrescentada: vários notebooks podem escrever no mesmo arquivo."""
    _ACERTOS.add(nome)
    with contextlib.suppress(OSError):
        if nome not in _gravados():
            _arquivo().parent.mkdir(parents=True, exist_ok=True)
            with _arquivo().open("a", encoding="utf-8") as arquivo:
                arquivo.write(nome + "\n")


def placar():
    """Imprime o que você já acertou, em todas as lições, numa linha que se pode mandar a quem ensina."""
    certos = _ACERTOS | _gravados()
    codigo, outros = [nome for nome in EXERCICIOS if nome in certos], sorted(certos - set(EXERCICIOS))
    linha = f"GPT do zero: {len(codigo)} de {len(EXERCICIOS)} exercícios de código"
    linha += f" ({', '.join(codigo)})" if codigo else ""
    linha += f" e {len(outros)} de outros tipos ({', '.join(outros)})" if outros else ""
    if certos != _gravados():
        linha += f"; só nesta sessão, porque não pude gravar em {_arquivo().as_posix()}"
    print(linha + ".")


# -- comparar com a conta certa e com as erradas ----------------------------------------------------------

def igual(a, b, folga):
    return a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=folga, atol=folga, equal_nan=True)


def _imitaveis(exercicio):
    """[(nome do erro, ajuste que o imita)] dos erros de um exercício."""
    return [(f"{exercicio}.{nome}", ajuste) for nome, erro in DICAS[exercicio].items() if "imita" in erro
            for ajuste in (erro["imita"] if isinstance(erro["imita"], list) else [erro["imita"]])]


def erro_conhecido(exercicios, saidas, casos, conta, folga, bate=None):
    """A falha do erro, ou do par de erros, cuja conta dá as mesmas saídas; None, se nenhum dá."""
    def da(ajuste):
        return all((bate or functools.partial(igual, folga=folga))(s, conta(*caso, **ajuste)) for s, caso in zip(saidas, casos, strict=True))

    erros = [erro for exercicio in exercicios.split() for erro in _imitaveis(exercicio)]
    for nome, ajuste in erros:
        if da(ajuste):
            return diga(nome)
    certa = conta(*casos[0])
    pares = itertools.combinations(erros, 2) if saidas[0].shape == certa.shape else ()
    for (um, a), (outro, b) in pares:
        if not a.keys() & b.keys() and da(a | b):
            um, outro = diga(um).resultado, diga(outro).resultado
            return Falha(str(diga("geral.dois_erros", um=um.dica, outro=outro.dica)), um.pistas)
    return None


def julgar(exercicios, saidas, casos, conta, eixos, folga=1e-4, aceita=({},), sintomas=None, folga_do_erro=None, bate=None):
    """O ajuste aceito, se as saídas são as da conta certa; senão levanta a falha que as explica.

    `exercicios`: de quais são os erros a tentar; `aceita`: ajustes que também estão certos;
    `sintomas(saidas, casos)`: o que ainda se pode dizer quando nenhum erro conhecido explica; `bate(saida, certa)`: como se
    comparam, se não é número a número, com folga.
    """
    for ajuste in aceita:
        if all((bate or functools.partial(igual, folga=folga))(s, conta(*caso, **ajuste)) for s, caso in zip(saidas, casos, strict=True)):
            return ajuste
    if falha := erro_conhecido(exercicios, saidas, casos, conta, folga_do_erro or folga, bate):
        raise falha
    certas = [conta(*caso) for caso in casos]
    for saida, certa in zip(saidas, certas, strict=True):
        if saida.shape != certa.shape:
            raise forma_errada(saida.shape, certa.shape, eixos)
    if not saidas[0].isnan().any() and (falha := sintomas and sintomas(saidas, casos)):
        raise falha
    if any(saida.isnan().any() for saida in saidas):
        raise diga("geral.nan")
    saida, certa = next((s, c) for s, c in zip(saidas, certas, strict=True) if not igual(s, c, folga))
    raise _numeros_errados(saida.double(), certa.double(), eixos, folga)


def forma_errada(veio, esperada, eixos):
    veio, esperada, nomes = tuple(veio), tuple(esperada), eixos.split()
    legenda = ", ".join(f"{eixo}: {EIXOS[eixo]}" for eixo in dict.fromkeys(nomes))
    legenda = f" = ({', '.join(nomes)}), {legenda}" if nomes else ""
    ordem = " São os mesmos eixos noutra ordem." if sorted(veio) == sorted(esperada) else ""
    diferem = f"{'Veio 1 eixo' if len(veio) == 1 else f'Vieram {len(veio)} eixos'}, e esperavam-se {len(esperada)}."
    if len(veio) == len(esperada):
        diferem = "Difere, contando os eixos do zero: " + ", ".join(
            f"o {i}" for i, n in enumerate(veio) if n != esperada[i]) + "."
    return diga("geral.forma", veio=veio, esperada=esperada, legenda=legenda, diferem=diferem, ordem=ordem)


def _numeros_errados(veio, certa, eixos, folga):
    """Nenhum erro conhecido: onde os números começam a diferir, e se diferem de um jeito simples."""
    fora = ~torch.isclose(veio, certa, rtol=folga, atol=folga)
    lugar = fora.nonzero()[0].tolist()
    veio_ali, certa_ali = veio[tuple(lugar)], certa[tuple(lugar)]
    if not lugar:
        return diga("geral.um_numero", veio=pt(veio), esperado=pt(certa))
    nomes = eixos.replace("T T", "linha coluna").split() or [f"eixo {i}" for i in range(len(lugar))]
    onde, jeito = ", ".join(f"{n} = {i}" for n, i in zip(nomes, lugar, strict=True)), ""
    if certa_ali and igual(veio, certa * (veio_ali / certa_ali), 1e-3):
        jeito = f" É o esperado multiplicado por {pt(veio_ali / certa_ali)}."
    elif igual(veio, certa + (veio_ali - certa_ali), 1e-3):
        jeito = f" É o esperado somado de {pt(veio_ali - certa_ali)}."
    return diga("geral.numeros", onde=onde, veio=pt(veio_ali), esperado=pt(certa_ali), jeito=jeito,
                batem=int((~fora).sum()), total=fora.numel())


def pt(numero):
    """O número com quatro algarismos e vírgula."""
    return formatado(0.0 if abs(numero) <= 1e-6 else numero, ".4g")


def sorteio(semente):
    return torch.Generator().manual_seed(semente)


def sortear_pesos(modulo, semente):
    """Pesos que não escondem nada: ganho longe de 1, viés longe de 0."""
    g = sorteio(semente)
    with torch.no_grad():
        for nome, p in modulo.named_parameters():
            p.copy_(torch.randn(p.shape, generator=g) * (0.5 if p.dim() == 2 else 0.3))
            if nome.endswith("gain"):
                p.add_(1.5)
    return modulo


FICHA = GPTConfig(vocab_size=11, context_length=9, d_model=12, n_heads=3, n_layers=2)


def casos_da_ficha(camada, *tamanhos):
    """[(ficha, gabarito com pesos sorteados, x)], um por (d_model, n_heads, B, T)."""
    fichas = [replace(FICHA, d_model=C, n_heads=nh, context_length=max(T, FICHA.context_length)) for C, nh, _, T in tamanhos]
    return [(ficha, sortear_pesos(camada(ficha), i), torch.randn(B, T, C, generator=sorteio(50 + i)))
            for i, (ficha, (C, _, B, T)) in enumerate(zip(fichas, tamanhos, strict=True))]


def montar(classe, argumento, gabarito):
    """Um objeto da classe de quem estuda, com os pesos do gabarito copiados pelo nome."""
    modulo = chamar(classe, argumento)
    if not e_um(modulo, nn.Module):
        raise diga("geral.nao_e_camada", nome=nome_do_tipo(modulo))
    chamar(_copiar_pesos, modulo, gabarito)
    return modulo.eval()


def _copiar_pesos(modulo, gabarito):
    meus, deles = dict(modulo.named_parameters(remove_duplicate=False)), dict(gabarito.named_parameters())
    if faltam := [nome for nome in deles if nome not in meus]:
        pecas = dict.fromkeys(nome.split(".")[0] for nome in deles)
        inteiras = {peca for peca in pecas if not any(nome.split(".")[0] == peca for nome in meus)}
        nomes = dict.fromkeys(nome.split(".")[0] if nome.split(".")[0] in inteiras else nome for nome in faltam)
        soltos = [f"`{nome}`" for nome in faltam if isinstance(getattr(modulo, nome, None), torch.Tensor)]
        solto = f" {', '.join(soltos)} existe, mas fora de `nn.Parameter` o treino não muda um tensor." if soltos else ""
        raise diga("geral.falta_peca", faltam=", ".join(f"`{nome}`" for nome in nomes), solto=solto,
                   pecas=", ".join(f"`{peca}`" for peca in pecas))
    for nome, p in deles.items():
        if meus[nome].shape != p.shape:
            raise diga("geral.peso_de_outra_forma", nome=nome, veio=tuple(meus[nome].shape), esperada=tuple(p.shape))
        with torch.no_grad():
            meus[nome].copy_(p)
    return True


def conferir_camada(exercicios, classe, casos, conta, folga=1e-4, aceita=({},), sintomas=None, folga_do_erro=None):
    """Uma classe, contra o gabarito com os mesmos pesos: `casos` são (argumento do construtor, gabarito, x).

    `sintomas(modulos, saidas, casos)`: o que dizer quando nenhum erro conhecido explica a saída.
    """
    exigir(classe, classe=True)
    modulos = [montar(classe, argumento, gabarito) for argumento, gabarito, _ in casos]
    saidas, outras = ([um_tensor(chamar(modulo, x)) for modulo, (_, _, x) in zip(modulos, casos, strict=True)] for _ in range(2))
    if not all(igual(a, b, folga) for a, b in zip(saidas, outras, strict=True)):
        raise diga("geral.acaso")
    with torch.no_grad():
        aceito = julgar(exercicios, saidas, [caso[1:] for caso in casos], conta, "B T C", folga, aceita,
                        sintomas and functools.partial(sintomas, modulos), folga_do_erro)
    _, gabarito, x = casos[0]
    mesmo_gradiente(functools.partial(conta, gabarito, **aceito), modulos[0], [x], 10 * folga,
                    [(p, dict(modulos[0].named_parameters(remove_duplicate=False))[nome]) for nome, p in gabarito.named_parameters()])
    return f"Dá o mesmo que o gabarito, na saída e no gradiente, em {len(casos)} tamanhos."


def mesmo_gradiente(certa, minha, entradas, folga=1e-4, pesos=()):
    """O gradiente que chega às entradas (e aos pares de pesos, certo e meu) é o da conta certa? Senão, falha."""
    rastros = []
    for f, lado in ((certa, 0), (functools.partial(chamar, minha), 1)):
        folhas = [x.clone().requires_grad_() for x in entradas]
        saida = f(*[x * 1 for x in folhas])             # `* 1`: a resposta recebe um tensor a meio do caminho, como no modelo
        numero = (saida * torch.randn(saida.shape, generator=sorteio(9))).sum()
        rastros.append(chamar(_gradientes, numero, folhas + [par[lado] for par in pesos]))
    if not all(igual(meu, certo, folga) for certo, meu in zip(*rastros, strict=True)):
        raise diga("geral.sem_gradiente")


def _gradientes(numero, folhas):
    """O gradiente de um número em relação a cada folha; zero, onde o caminho foi cortado."""
    ligadas = [x for x in folhas if x.requires_grad]
    quais = iter(torch.autograd.grad(numero, ligadas, allow_unused=True) if numero.requires_grad and ligadas else [None] * len(ligadas))
    return [torch.zeros_like(x) if not x.requires_grad or (g := next(quais)) is None else g for x in folhas]
