"""O motor dos verificadores: roda o código de quem estuda sem que ele estrague nada, compara e dá nome ao erro.

Os exercícios estão em confere.py, e as frases, em confere.toml. Aqui: o `Resultado`, rodar com tempo e terreno
guardados, o placar, e a comparação com a conta certa e as erradas.
"""

import contextlib
import copy
import ctypes
import functools
import html
import inspect
import io
import itertools
import numbers
import os
import random
import re
import sys
import sysconfig
import textwrap
import threading
import time
import tomllib
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from gptmini import pronto
from gptmini.vetores import GPTConfig

LIMITE = 5.0      # segundos que uma resposta tem para terminar
EXERCICIOS = []   # os nomes dos verificadores de código, na ordem das lições
DICAS = tomllib.loads(Path(__file__).with_name("confere.toml").read_text(encoding="utf-8"))
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
    """A falha «exercício.erro» de confere.toml, com os valores no lugar das chaves."""
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

    def write(self, texto):
        super().write(texto[: max(0, 2000 - self.escritos)])
        self.escritos += len(texto)
        return len(texto)

    def mostrar(self):
        inicio = "\n".join(self.getvalue().splitlines()[:12])
        if self.escritos:
            resto = "\n  …" if self.escritos > len(inicio) + 1 else ""
            print("O seu código imprimiu:\n" + textwrap.indent(inicio, "  ") + resto)


@contextlib.contextmanager
def _tudo_como_estava(gaveta):
    """O que é do processo inteiro (sorteios, tipo padrão, saídas) volta ao que era, haja o que houver."""
    numpy, tipo, do_python = sys.modules.get("numpy"), torch.get_default_dtype(), random.getstate()
    do_numpy = numpy.random.get_state() if numpy else None
    placas = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    with (torch.random.fork_rng(devices=placas), warnings.catch_warnings(),
          contextlib.redirect_stdout(gaveta), contextlib.redirect_stderr(gaveta)):
        try:
            warnings.simplefilter("ignore")
            torch.set_default_dtype(torch.float32)
            torch.manual_seed(0)
            yield
        finally:
            torch.set_default_dtype(tipo)
            random.setstate(do_python)
            if numpy:
                numpy.random.set_state(do_numpy)


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
    fim = time.monotonic()
    for _ in range(20):
        fim += segundos
        while time.monotonic() < fim:           # em fatias: no Windows, só entre elas se nota a célula interrompida
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
    fim = time.monotonic() + 1
    while _pilha(fio) and time.monotonic() < fim:       # insiste: um `except:` sem tipo engole o pedido
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(fio.ident), ctypes.py_object(_Parar))
        acabou.wait(0.02)
    return not _pilha(fio)


_ALHEIOS = tuple(os.path.normcase(str(pasta)) + os.sep for pasta in (
    Path(__file__).parent, Path(torch.__file__).parent, *map(sysconfig.get_path, ("stdlib", "purelib", "platlib"))))


def _linha_do_aluno(pilha):
    """« na linha 3, `q @ k`»: a linha mais funda que não é do curso nem de uma biblioteca."""
    for passo in reversed(pilha):
        if not os.path.normcase(passo.filename).startswith((*_ALHEIOS, "<frozen")):
            return f" na linha {passo.lineno}" + (f", `{passo.line.replace('`', ' ')}`" if passo.line else "")
    return ""


_FRASES = [   # (tipo, trecho da mensagem, o que quer dizer); vale a primeira que servir
    (NameError, "", "Um nome não existe nesse ponto: confira a grafia, ou rode antes a célula que o define."),
    (AttributeError, "before Module.__init__", "O construtor precisa começar por `super().__init__()`."),
    (TypeError, "got float|not float|'float' object cannot", "Veio um float onde só cabe inteiro: `/` dá float; use `//`."),
    (Exception, r"bitwise_xor|for \^", "No Python, potência é `**`; `^` é outra operação."),
    (Exception, "return_types", "Isso devolve dois tensores, os valores e os lugares: separe-os, como em `valores, ids = logits.topk(k)`."),
    (ValueError, "to unpack", "De um lado do `=` há mais nomes que valores, ou menos: quantos eixos, ou quantas partes, vêm da direita?"),
    (Exception, "tuple", "Uma das coisas dessa linha é uma tupla, vários valores juntos: separe-os antes, como em "
                         "`logits, loss = model(x, y)`. Se era um decimal, em Python é com ponto: `0.5`."),
    (Exception, "not implemented for '(Long|Int)'", "Essa conta só aceita números com vírgula, e veio um tensor de inteiros: são ids?"),
    (Exception, "operator.invert|bitwise_not", "`~` só troca verdadeiro e falso, e veio um tensor de números: faça a máscara com `dtype=torch.bool`, "
                                               "ou compare, como em `m == 0`."),
    (RuntimeError, "invert a", "Verdadeiro e falso não se subtraem: o contrário da máscara é `~m`."),
    (RuntimeError, "Boolean value", "`if`, `not`, `and` e o `max` do Python querem um verdadeiro ou falso só, e veio um tensor: "
                                              "use `~`, `torch.where`, `clamp` ou `torch.maximum`."),
    (RuntimeError, "scalar outputs", "`backward` parte de um número só: chame-o na perda, o segundo valor de `model(x, y)`."),
    (RuntimeError, "to Scalar", "`.item()` só serve a tensor de um número."),
    (RuntimeError, "Index tensor", "`gather` quer o índice com tantos eixos quantos a tabela: ponha um no fim, `[..., None]`."),
    (TypeError, r"unsupported operand.*'(function|method|type|(?!Tensor|NoneType)[A-Z]\w+)'", "Uma das coisas dessa conta é uma camada ou uma função, e não um tensor: "
                                                                               "chame-a com parênteses, como em `sublayer(x)`."),
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
    mensagem = str(erro)
    if isinstance(erro, AttributeError) and (nome := re.search(r"^'[A-Z]\w+' object has no attribute '(\w+)'", mensagem)):
        return f"O objeto não tem `{nome[1]}`: confira a grafia, e se o construtor deste exercício o cria."
    return next((f for tipo, trecho, f in _FRASES if isinstance(erro, tipo) and re.search(trecho, mensagem)), "")


def _explicar(erro, argumentos):
    """A exceção da resposta -> uma falha que diz a linha, o que quer dizer e com que entrada foi."""
    mensagem = (str(erro).strip().splitlines() or [""])[0][:160].rstrip(".")
    frase = frase_de(erro)
    return diga("geral.parou", linha=_linha_do_aluno(traceback.extract_tb(erro.__traceback__)), frase=frase and f" {frase}",
                erro=f"{type(erro).__name__}: {mensagem}", entrada=", ".join(map(descrever, argumentos)) or "nada")


def descrever(valor):
    if isinstance(valor, torch.Tensor):
        return f"um tensor de forma {tuple(valor.shape)}"
    if isinstance(valor, GPTConfig):
        return (f"uma ficha com d_model={valor.d_model}, n_heads={valor.n_heads}, n_layers={valor.n_layers} "
                f"e context_length={valor.context_length}")
    if isinstance(valor, (tuple, list)):
        return f"uma {'tupla' if isinstance(valor, tuple) else 'lista'} de {len(valor)}"
    if isinstance(valor, float):
        return f"{valor!r} (float)"
    if inspect.isroutine(valor):
        return f"a função `{valor.__name__}`, sem chamá-la com parênteses"
    return repr(valor) if isinstance(valor, (numbers.Number, str, type(None))) else f"um {type(valor).__name__}"


def chamar(f, *argumentos):
    """Chama o código de quem estuda e devolve o que ele deu; o que sair errado vira falha."""
    fotos = [copy.copy(a) if isinstance(a, list) else a.detach().clone() if isinstance(a, torch.Tensor) else None
             for a in argumentos]
    try:
        torch.set_grad_enabled(True)
        torch.set_default_dtype(torch.float32)
        valor = f(*argumentos)
    except (_Parar, Falha):
        raise
    except NotImplementedError as erro:
        if '"forward"' in str(erro):
            raise diga("geral.sem_forward") from None
        if str(erro):
            raise _explicar(erro, argumentos) from None
        valor = None                # `raise NotImplementedError`, o jeito de deixar para depois
    except BaseException as erro:
        raise _explicar(erro, argumentos) from None
    finally:
        torch.set_grad_enabled(True)
        torch.set_default_dtype(torch.float32)
    for a, foto in zip(argumentos, fotos, strict=True):
        if foto is not None and not (torch.equal(a, foto) if isinstance(a, torch.Tensor) else a == foto):
            raise diga("geral.entrada_mudada")
    if valor is None or valor is ...:
        nome = "forward" if isinstance(f, nn.Module) else getattr(f, "__name__", type(f).__name__)
        raise diga("geral.nada_devolvido", nome=nome)
    return valor


def exigir(resposta, classe=False):
    """O exercício pede uma função, ou uma classe: recusa o resto com uma frase."""
    if resposta is None or resposta is ...:
        raise diga("geral.em_branco")
    if not callable(resposta) or (classe and isinstance(resposta, nn.Module)):
        pedido = "a própria classe" if classe else "a própria função"
        raise diga("geral.sem_parenteses", veio=descrever(resposta), pedido=pedido)
    if isinstance(resposta, type) and not classe:
        raise diga("geral.classe_por_funcao", nome=resposta.__name__)


def um_tensor(valor):
    if not isinstance(valor, torch.Tensor):
        como = {"ndarray": " Um array do NumPy vira tensor com `torch.from_numpy`.",
                "tuple": " Se era um decimal, em Python ele se escreve com ponto: `0.5`.",
                "list": " Uma lista de números vira tensor com `torch.tensor`; uma de tensores, com `torch.stack`."}
        raise diga("geral.nao_e_tensor", veio=descrever(valor), como=como.get(type(valor).__name__, ""))
    return valor.detach().cpu()


def um_inteiro(valor):
    if isinstance(valor, (torch.Tensor, bool)) or not isinstance(valor, numbers.Integral):
        raise diga("geral.nao_e_inteiro", veio=descrever(valor))
    return int(valor)


def responder(nome, corpo, segundos):
    """Roda a conferência e monta o `Resultado`; nada que a resposta faça passa daqui."""
    gaveta = _Gaveta()
    with _tudo_como_estava(gaveta):
        desfecho = _rodar(corpo, segundos)
    gaveta.mostrar()
    if isinstance(desfecho, Falha):
        return desfecho.resultado
    if isinstance(desfecho, BaseException):
        erro = "".join(traceback.format_exception_only(desfecho)).strip()
        return Resultado(False, f"O verificador tropeçou, e a culpa é dele, não sua: {erro}. Conte para nós.")
    _anotar(nome)
    return Resultado(True, desfecho)


def exercicio(corpo):
    """Faz de `corpo(resposta) -> frase` um verificador, que nunca passa de `segundos`."""
    EXERCICIOS.append(corpo.__name__)

    @functools.wraps(corpo)
    def verificador(resposta, segundos=LIMITE):
        return responder(corpo.__name__, lambda: corpo(resposta), segundos)

    return verificador


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


def erro_conhecido(exercicios, saidas, casos, conta, folga):
    """A falha do erro, ou do par de erros, cuja conta dá as mesmas saídas; None, se nenhum dá."""
    def da(ajuste):
        return all(igual(s, conta(*caso, **ajuste), folga) for s, caso in zip(saidas, casos, strict=True))

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


def julgar(exercicios, saidas, casos, conta, eixos, folga=1e-4, aceita=({},), sintomas=None):
    """Passa em silêncio se as saídas são as da conta certa; senão levanta a falha que as explica.

    `exercicios`: de quais, em confere.toml, são os erros a tentar; `aceita`: ajustes que também estão certos;
    `sintomas(saidas, casos)`: o que ainda se pode dizer quando nenhum erro conhecido explica.
    """
    if any(all(igual(s, conta(*caso, **a), folga) for s, caso in zip(saidas, casos, strict=True)) for a in aceita):
        return
    if falha := erro_conhecido(exercicios, saidas, casos, conta, folga):
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
    return f"{float(numero) if abs(numero) > 1e-6 else 0.0:.4g}".replace(".", ",").replace("-", "−")


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


def _montar(classe, argumento, gabarito):
    """Um objeto da classe de quem estuda, com os pesos do gabarito copiados pelo nome."""
    modulo = chamar(classe, argumento)
    if not isinstance(modulo, nn.Module):
        raise diga("geral.nao_e_camada", nome=type(modulo).__name__)
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
    return modulo.eval()


def conferir_camada(exercicios, classe, casos, conta, folga=1e-4, aceita=({},), sintomas=None):
    """Uma classe, contra o gabarito com os mesmos pesos: `casos` são (argumento do construtor, gabarito, x).

    `sintomas(modulos, saidas, casos)`: o que dizer quando nenhum erro conhecido explica a saída.
    """
    exigir(classe, classe=True)
    modulos = [_montar(classe, argumento, gabarito) for argumento, gabarito, _ in casos]
    saidas, outras = ([um_tensor(chamar(modulo, x)) for modulo, (_, _, x) in zip(modulos, casos, strict=True)] for _ in range(2))
    if not all(igual(a, b, folga) for a, b in zip(saidas, outras, strict=True)):
        raise diga("geral.acaso")
    with torch.no_grad():
        julgar(exercicios, saidas, [caso[1:] for caso in casos], conta, "B T C", folga, aceita,
               sintomas and functools.partial(sintomas, modulos))
    x = casos[0][2].clone().requires_grad_()
    pesos = torch.randn(x.shape, generator=sorteio(9))
    certo, meu = (gradiente((saida * pesos).sum(), x) for saida in (casos[0][1](x), chamar(modulos[0], x * 1)))
    if not igual(meu, certo, 10 * folga):
        raise diga("geral.sem_gradiente")
    return f"Dá o mesmo que o gabarito, na saída e no gradiente, em {len(casos)} tamanhos."


def gradiente(numero, x):
    """O gradiente de um número em relação a x; zero, se o caminho foi cortado."""
    g = torch.autograd.grad(numero, x, allow_unused=True)[0] if numero.requires_grad else None
    return torch.zeros_like(x) if g is None else g
