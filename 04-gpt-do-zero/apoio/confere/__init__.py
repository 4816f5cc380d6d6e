"""Os exercícios: cada verificador roda a resposta e diz, na hora, se está certa ou o nome do erro.

Nenhum lê o texto da resposta: só os números que ela dá, e por isso qualquer jeito certo passa. Cada exercício tem
aqui a sua conta, com ajustes: sem ajuste é a certa, e cada erro comum é um ajuste (o `imita` de confere.toml, onde
estão as frases). O que a resposta deu é comparado com a conta certa e, se não bate, com as erradas: a que bater dá
nome ao erro.

    confere.gelu(gelu)       -> Resultado(ok, dica, pistas)
    confere.placar()         o que você já acertou, numa linha
"""

import contextlib
import copy
import functools
import inspect
import itertools
import math
import numbers
import random
import re
import sys
import textwrap
import traceback
import types
import unicodedata
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import torch
import torch.nn.functional as F
from torch import nn

from gptmini.atencao import CausalSelfAttention
from apoio.confere.corretor import (
    EIXOS, LIMITE, Falha, Resultado, chamar, comum, conferir_camada, cru, descrever, diga, e_um, erro_conhecido, exercicio, exigir,
    forma_errada, frase_de, igual, julgar, mesmo_gradiente, mostrar, nome_do_tipo, placar, pt, responder, sortear_pesos, sorteio, uma_sequencia,
    um_inteiro, um_tensor,
)
from gptmini.feedforward import FeedForward
from gptmini.modelo import GPTMini, TransformerBlock
from gptmini.residual import LayerNorm
from gptmini.vetores import GPTConfig

__all__ = [
    "Resultado", "alvos", "amostrar", "atencao", "bloco", "contar_parametros", "dividir_cabecas", "feedforward", "forma",
    "gelu", "gerar", "layernorm", "leitura", "mascara_causal", "ordem", "palpite", "passo_de_treino", "perda", "pesos_de_atencao",
    "placar", "residual", "tokenizador",
]


# -- lição 00 ---------------------------------------------------------------------------------------------

_TEXTOS = ["Ana tinha uma pipa azul.", "A pipa voou, e Ana riu!", "Davi viu um beija-flor na feira.\nO beija-flor fugiu.",
           "Até o avô viu, é azul."]
_NOVOS = ["Davi viu uma pipa.", "Davi viu uma pipa na feira, e Ana viu uma pipa azul.", "Davi viu uma pipa.\nAna riu!"]      # palavras conhecidas
_ESTRANHOS = ["Davi viu um zigurate.", "Davi viu ☃.", "zigurate", "☃", "Zigurate viu um avô.", "☃ viu um avô.", "Ana riu ☃", "Davi ☃ viu ☃ um avô.",
              "Ana riu?", "ANA riu!", "Davi viu uma pip."]


@exercicio
def tokenizador(resposta):
    """Classe `(texts)` com `.encode(str) -> list[int]` e `.decode(ids) -> str`; palavra desconhecida é erro."""
    exigir(resposta, classe=True)
    tok = chamar(resposta, list(_TEXTOS))
    for nome in ("encode", "decode"):
        if not callable(getattr(tok, nome, None)):
            raise diga("tokenizador.falta_metodo", nome=nome)

    def codificar(texto):
        veio = chamar(tok.encode, texto)
        ids = uma_sequencia(veio)
        if ids is None or not all(type(n) is int for n in map(cru, ids)):
            raise diga("tokenizador.nao_sao_ids", veio=f"uma lista de {nome_do_tipo(ids[0])}" if ids else descrever(veio))
        return ids

    def decodificar(ids, de=tok):
        volta = chamar(de.decode, ids)
        if not e_um(volta, str):
            raise diga("tokenizador.nao_e_texto", veio=descrever(volta))
        return str.__str__(volta)

    guardados = []
    for texto in [*_TEXTOS, *_NOVOS]:
        try:
            guardados.append((texto, codificar(texto)))
        except Falha as falha:
            parou = falha.resultado
            if "parou" not in parou.dica:
                raise
            if texto in _NOVOS:
                raise diga("tokenizador.recusou_conhecida", texto=texto, parou=parou.dica) from None
            raise Falha(f"{parou.dica} Foi com «{texto}», um dos textos que o construtor recebeu.", parou.pistas) from None
        if (volta := decodificar(guardados[-1][1])) != texto:
            raise _volta_errada(texto, volta)
    outro = chamar(resposta, list(_TEXTOS))             # os mesmos textos, os mesmos ids
    for texto, ids in guardados:
        if decodificar(ids) != texto or decodificar(ids, outro) != texto:
            raise diga("tokenizador.de_memoria", texto=texto)
    (um, a), (dois, b) = guardados[:2]
    if decodificar(a + b).split() != f"{um} {dois}".split() and decodificar(a + b) != um + dois:
        raise diga("tokenizador.de_memoria", texto=f"{um} {dois}")
    volta = None
    chamar(resposta, ["Zeca comeu jabuticaba."])
    with contextlib.suppress(Falha):
        volta = chamar(tok.decode, guardados[0][1])
    if volta != _TEXTOS[0]:
        raise diga("tokenizador.um_estraga_outro")
    letras = set("".join(_TEXTOS))
    for estranho in (*_ESTRANHOS, unicodedata.normalize("NFD", _TEXTOS[-1]), ""):
        try:
            ids = chamar(tok.encode, estranho)
        except Falha as falha:
            if "parou" in falha.resultado.dica:         # recusou: é o que se pede
                continue
            raise diga("tokenizador.calado", foi=estranho) from None
        with contextlib.suppress(Falha):
            # Letra por letra, «zigurate» não é desconhecida; o boneco de neve, sim. O mesmo acento noutro código é o mesmo texto.
            certo = unicodedata.normalize("NFC", estranho)
            if letras.issuperset(certo) and unicodedata.normalize("NFC", decodificar(ids)) == certo:
                continue
        if not estranho and not uma_sequencia(ids):
            continue
        raise diga("tokenizador.desconhecida", foi=estranho, ids=mostrar(ids))
    return f"{len(guardados)} textos foram e voltaram iguais, e a palavra desconhecida é recusada."


def _volta_errada(foi, voltou):
    def sem(padrao, texto):
        return re.sub(padrao, "", texto)

    mudancas = [
        (voltou.lower() == foi.lower(), "as maiúsculas se perderam", "Onde o texto vira minúsculo?"),
        (" ".join(voltou.split()) == " ".join(foi.split()), "a quebra de linha ou um espaço mudou", "O seu corte guarda o `\\n` como token?"),
        (sem(r" (?=[,.!?])", voltou) == foi, "há espaço antes da pontuação", "Que tokens não levam espaço antes?"),
        (sem(r"\s", voltou) == sem(r"\s", foi), "os espaços não voltaram ao lugar", "Entre que tokens há espaço, e entre quais não?"),
        (sem(r"[\W_]", voltou) == sem(r"[\W_]", foi), "a pontuação se perdeu", "O seu corte guarda os sinais como tokens?"),
        (len(voltou) < len(foi), "faltam pedaços", "Quantos ids saem deste texto, e quantos tokens ele tem?"),
        (True, "o texto mudou", "Que token foi o primeiro a mudar?"),
    ]
    mudanca, pergunta = next((m, p) for vale, m, p in mudancas if vale)
    return diga("tokenizador.volta", mudanca=mudanca, pergunta=pergunta, foi=repr(foi), voltou=repr(voltou))


# -- lição 01 ---------------------------------------------------------------------------------------------

def _mascara(T, forma="tril"):
    um = torch.ones(T, T)
    return {"tril": um.tril(), "triu": um.triu(), "sem diagonal": um.tril(-1), "avesso": um.triu(1), "tudo": um,
            "um a mais": um.tril(1), "só a diagonal": torch.eye(T),
            "somar": torch.zeros(T, T).masked_fill(um.triu(1) == 1, -math.inf)}[forma]


@exercicio
def mascara_causal(resposta):
    """`f(T) -> (T, T)` de verdadeiro ou falso: `True` onde a atenção é permitida."""
    exigir(resposta)
    casos = [(5,), (1,), (8,), (2,), (97,), (300,)]
    saidas = [um_tensor(chamar(resposta, *caso)) for caso in casos]
    julgar("mascara_causal", saidas, casos, _mascara, "T T")
    if tipos := {saida.dtype for saida in saidas} - {torch.bool}:
        raise diga("mascara_causal.tipo", veio=tipos.pop())
    return f"Cada token vê a si e ao passado, em {len(casos)} tamanhos."


def _pesos(q, k, escala="raiz", mascara="antes", eixo=-1, softmax=True, troca=False, C=None):
    """Os pesos de atenção, (…, T, T)."""
    if troca:
        q, k = k, q
    T, hs = q.shape[-2:]
    divisor = {"raiz": hs**0.5, "hs": hs, "T": T**0.5, "vezes": hs**-0.5, "C": (C or hs) ** 0.5}.get(escala, 1)
    um = torch.ones(T, T, dtype=torch.bool)
    pode = {"transposta": um.triu(), "sem diagonal": um.tril(-1), "avesso": um.triu(1), "nenhuma": um, "do enunciado": um.triu()}.get(mascara, um.tril())
    pontos = q @ k.mT / divisor
    tarde = mascara in ("depois", "renormalizada", "do enunciado")
    pontos = pontos * pode if mascara == "zero" else pontos if tarde else pontos.masked_fill(~pode, -math.inf)
    pesos = pontos.softmax(eixo) if softmax else pontos
    if tarde:
        pesos = pesos * pode
    if mascara == "renormalizada":
        pesos = pesos / pesos.sum(-1, keepdim=True)
    return pesos / hs**0.5 if escala == "depois" else pesos


@exercicio
def pesos_de_atencao(resposta):
    """`f(q, k)`, cada um (B, T, hs), `-> (B, T, T)`: na escala, causais, cada linha soma 1."""
    exigir(resposta)
    g = sorteio(1)
    casos = [tuple(1.5 * torch.randn(2, *forma, generator=g)) for forma in [(2, 5, 3), (3, 4, 8), (2, 1, 4), (2, 6, 4)]]
    q, k = casos[-1]                                    # um futuro que combina demais com o token 0,
    k[:, -1] = 400 * F.normalize(q[:, 0], dim=-1)
    q[:, -1] = 0                                        # mas que, onde é permitido, não estoura uma exponencial à mão
    frio = torch.randn(1, 70, 4, generator=g)           # todos os pontos perto de −84: a exponencial é minúscula, mas existe
    casos.append((frio / 30 + 8, frio.flip(1) / 30 - 5.25))
    saidas = [um_tensor(chamar(resposta, *caso)) for caso in casos]
    julgar("pesos_de_atencao", saidas, casos, _pesos, "B T T", sintomas=_sintomas_dos_pesos)
    if (sobra := max(saida.triu(1).max() for saida in saidas)) > 1e-9:       # um −100 no lugar de −∞ só aparece quando tudo é baixo
        raise diga("pesos_de_atencao.futuro_recebe", quanto=f"{sobra:.0e}")
    return "Na escala, causais, e cada linha soma 1."


def _sintomas_dos_pesos(saidas, casos):
    veio, (q, k) = next((s.double(), caso) for s, caso in zip(saidas, casos, strict=True) if not igual(s, _pesos(*caso), 1e-4))
    if veio.triu(1).abs().max() > 1e-6:
        return diga("pesos_de_atencao.futuro_recebe", quanto=pt(veio.triu(1).max()))
    if not igual(somas := veio.sum(-1), torch.ones(veio.shape[:2]), 1e-4):
        return diga("pesos_de_atencao.nao_soma_1", soma=pt(somas[(somas - 1).abs() > 1e-4][0]))
    (a, b), hs = ((w[:, -1].log() - w[:, -1, :1].log())[:, 1:] for w in (veio, _pesos(q, k).double())), q.size(-1)
    if not a.numel():
        return None
    razao = (a / b)[0, 0]                               # a mesma máscara e o mesmo softmax: só muda o divisor dos pontos?
    return diga("pesos_de_atencao.outra_escala", por=pt(hs**0.5 / razao), certo=pt(hs**0.5)) if igual(a, b * razao, 1e-3) else None


def _cortar(x, nh, modo="certo"):
    B, T, _ = x.shape
    por_token = x.reshape(B, T, nh, -1)
    return {
        "certo": lambda: por_token.transpose(1, 2),
        "view": lambda: x.reshape(B, nh, T, -1),
        "sem transpose": lambda: por_token,
        "intercalado": lambda: x.reshape(B, T, -1, nh).permute(0, 3, 1, 2),
        "cabeça na frente": lambda: por_token.permute(2, 0, 1, 3),
        "hs antes de T": lambda: por_token.permute(0, 2, 3, 1),
        "transpose antes": lambda: x.transpose(1, 2).reshape(B, nh, T, -1),
        "nh por hs": lambda: x.reshape(B, T, -1, nh).transpose(1, 2),
    }[modo]()


@exercicio
def dividir_cabecas(resposta):
    """`f(x, n_heads)`: (B, T, C) `-> (B, nh, T, hs)`."""
    exigir(resposta)
    casos = [(torch.arange(B * T * C, dtype=torch.float).view(B, T, C), nh) for B, T, C, nh in
             [(2, 5, 12, 3), (3, 4, 10, 2), (1, 7, 6, 1), (2, 4, 8, 4), (2, 3, 6, 6), (4, 1, 6, 2)]]
    casos[-1][0].mul_(3001)                             # números que 16 bits não guardam
    saidas = [um_tensor(chamar(resposta, *caso)) for caso in casos]
    julgar("dividir_cabecas", saidas, casos, _cortar, "B nh T hs")
    return "Cada cabeça fica com os seus hs números de todos os tokens."


def _atencao(m, x, dividir="certo", juntar="certo", proj=True, cabecas=None, ordem="qkv", valor="v", por_cabeca=False,
             atalho=False, **pesos):
    (B, T, C), nh = x.shape, cabecas or m.n_heads
    if por_cabeca:
        partes = dict(zip("qkv", m.qkv(x).view(B, T, nh, -1).transpose(1, 2).chunk(3, dim=-1), strict=True))
    else:
        partes = {letra: _cortar(t, nh, dividir) for letra, t in zip(ordem, m.qkv(x).split(C, -1), strict=True)}
    misturado = _cortar(x, nh, dividir) if valor == "x" else partes[valor]
    out = _pesos(partes["q"], partes["k"], C=C, **pesos) @ misturado                  # (B, nh, T, hs)
    out = out.reshape(B, T, C) if juntar == "direto" else out.transpose(1, 2).reshape(B, T, C)
    out = m.proj(out) if proj else out
    return x + out if atalho else out


def _ve_o_futuro(modulos, saidas, casos):
    x = casos[0][1].clone()
    x[:, -1] += 1
    return None if igual(chamar(modulos[0], x)[:, :-1], saidas[0][:, :-1], 1e-4) else diga("atencao.ve_o_futuro")


def _casos_da_ficha(camada, *tamanhos):
    """[(ficha, gabarito com pesos sorteados, x)], um por (d_model, n_heads, B, T)."""
    fichas = [replace(_FICHA, d_model=C, n_heads=nh, context_length=max(T, _FICHA.context_length)) for C, nh, _, T in tamanhos]
    return [(ficha, sortear_pesos(camada(ficha), i), torch.randn(B, T, C, generator=sorteio(50 + i)))
            for i, (ficha, (C, _, B, T)) in enumerate(zip(fichas, tamanhos, strict=True))]


_FICHA = GPTConfig(vocab_size=11, context_length=9, d_model=12, n_heads=3, n_layers=2)


@exercicio
def atencao(resposta):
    """Classe `(config)` com `qkv` e `proj`; `forward(x)`: (B, T, C) -> (B, T, C)."""
    casos = _casos_da_ficha(CausalSelfAttention, (12, 3, 2, 5), (20, 2, 3, 9), (6, 1, 2, 1), (8, 8, 1, 97))
    return conferir_camada("atencao pesos_de_atencao", resposta, casos, _atencao, sintomas=_ve_o_futuro)


# -- lição 02 ---------------------------------------------------------------------------------------------

_CURVAS = {"exata": F.gelu, "relu": F.relu, "silu": F.silu, "tanh": torch.tanh, "sigmoide": torch.sigmoid, "nenhuma": lambda x: x,
           "sigmoide 1,702": lambda x: x * (1.702 * x).sigmoid(), "phi": lambda x: torch.special.ndtr(x),
           "erf sem raiz": lambda x: 0.5 * x * (1 + torch.erf(x)),
           "sem parênteses": lambda x: 0.5 * x + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))}


def _gelu(x, curva=None, meio=0.5, um=1, vezes=True, cubo=0.044715, grau=3, raiz=True, parenteses=True):
    if curva:
        return _CURVAS[curva](x)
    c = math.sqrt(2 / math.pi) if raiz else 2 / math.pi
    dentro = c * (x + cubo * x**grau) if parenteses else c * x + cubo * x**grau
    return meio * (x if vezes else 1) * (um + torch.tanh(dentro))


@exercicio
def gelu(resposta):
    """`f(x)`, na forma exata ou na forma com tanh, em tensores de qualquer forma."""
    exigir(resposta)
    casos = [(torch.linspace(-5, 5, 41),), (2 * torch.randn(2, 3, 4, generator=sorteio(0)),)]
    casos[1][0][:, 1] = torch.tensor([[-1000.0, -100, -30, -12], [12, 30, 100, 1000]])      # longe de 0, é 0 ou x
    saidas = [um_tensor(chamar(resposta, *caso)) for caso in casos]
    julgar("gelu", saidas, casos, _gelu, "", aceita=_DUAS_FORMAS, sintomas=_onde_a_gelu_difere, folga_do_erro=1e-3)
    return "Dá a GELU de −5 a 5, número a número."


def _onde_a_gelu_difere(saidas, casos):
    for (x,), veio in zip(casos, saidas, strict=True):
        longe = (veio.double() - F.gelu(x)).abs().flatten().nan_to_num(math.inf)
        if longe.max() > 5e-4:
            i = longe.argmax()
            return diga("gelu.outra", x=pt(x.flatten()[i]), veio=pt(veio.flatten()[i]), certo=pt(F.gelu(x.flatten()[i])))
    return None


_DUAS_FORMAS = ({}, {"curva": "exata"})      # a da tanh e a exata


def _feedforward(m, x, curva="gelu", lugar="meio", contrair=True, atalho=False):
    f = m.gelu if curva == "gelu" else _CURVAS[curva]
    h = m.expand(f(x) if lugar == "antes" else x)
    h = f(h) if lugar in ("meio", "dupla") else h
    h = m.contract(h) if contrair else h
    h = f(h) if lugar in ("depois", "dupla") else h
    return x + h if atalho and contrair else h


@exercicio
def feedforward(resposta):
    """Classe `(config)` com `expand` e `contract`; `forward(x)`: (B, T, C) -> (B, T, C)."""
    casos = _casos_da_ficha(FeedForward, (12, 3, 2, 5), (10, 2, 3, 4), (7, 1, 1, 1))
    return conferir_camada("feedforward", resposta, casos, _feedforward, aceita=_DUAS_FORMAS, folga_do_erro=3e-3)


# -- lição 03 ---------------------------------------------------------------------------------------------

def _layernorm(m, x, eixo=-1, por="C", eps="dentro", valor=1e-5, ganho=True, vies=True, media=True, raiz=True, vies_antes=False):
    eixos = eixo if isinstance(eixo, list) else [eixo]
    centro = x if media is False else x - x.mean(eixos, keepdim=True)
    variancia = (centro**2).sum(eixos, keepdim=True) / (math.prod(x.shape[e] for e in eixos) - (por == "C − 1"))
    desvio = {"dentro": (variancia + valor).sqrt(), "fora": variancia.sqrt() + valor, "sem": variancia.sqrt()}[eps]
    normal = (centro if media is True else x) / (desvio if raiz else variancia + valor)
    if vies_antes:
        return (normal + m.bias) * m.gain
    return normal * (m.gain if ganho else 1) + (m.bias if vies else 0)


def _sintomas_da_norma(_, saidas, casos):
    gabarito, _ = casos[0]
    normal = (saidas[0].double() - gabarito.bias) / gabarito.gain                     # (B, T, C)
    media, variancia = normal.mean(-1)[0, 0], normal.var(-1, correction=0)[0, 0]
    if abs(media) > 1e-3:
        return diga("layernorm.media", veio=pt(media))
    return diga("layernorm.variancia", veio=pt(variancia)) if abs(variancia - 1) > 1e-3 else None


@exercicio
def layernorm(resposta):
    """Classe `(d_model)` com `gain` e `bias`; `forward(x)` normaliza os C números de cada token."""
    casos = [(C, sortear_pesos(LayerNorm(C), i), 3 * torch.randn(B, T, C, generator=sorteio(i)) + 2)
             for i, (B, T, C) in enumerate([(2, 5, 6), (3, 4, 7), (1, 1, 64), (2, 3, 5)])]
    x = casos[-1][2]
    x -= 2
    x *= 3e-6                       # variância bem menor que ε, para ver onde ele está
    x[0, 1], x[1, 0] = 7.0, 0.0     # e dois tokens de números iguais
    return conferir_camada("layernorm", resposta, casos, _layernorm, sintomas=_sintomas_da_norma,
                           aceita=[{"valor": v} for v in (1e-5, 1e-6, 1e-8, 1e-12)])


def _passo(x, peca, norma, modo="pre"):
    return {
        "pre": lambda: x + peca(norma(x)),
        "pós": lambda: norma(x + peca(x)),
        "na saída": lambda: x + norma(peca(x)),
        "sem norma": lambda: x + peca(x),
        "da norma": lambda: norma(x) + peca(norma(x)),
        "sem soma": lambda: peca(norma(x)),
        "sem peça": lambda: x + norma(x),
        "duas normas": lambda: x + norma(peca(norma(x))),
        "norma da soma": lambda: norma(x + peca(norma(x))),
        "trocados": lambda: norma(x) + peca(x),
        "produto": lambda: x * peca(norma(x)),
        "nada": lambda: x,
    }[modo]()


@exercicio
def residual(resposta):
    """`f(x, sublayer, norm)`: um passo pre-LN, (B, T, C) -> (B, T, C)."""
    exigir(resposta)
    casos = [(torch.randn(B, T, C, generator=sorteio(i)) + 1, sortear_pesos(nn.Linear(C, C), i + 5), sortear_pesos(LayerNorm(C), i))
             for i, (B, T, C) in enumerate([(2, 5, 6), (3, 4, 8)])]
    casos.append((10 * torch.randn(1, 7, 4, generator=sorteio(2)), lambda h: h.cumsum(1).sin(), lambda h: h.tanh() * 2))
    saidas = [um_tensor(chamar(resposta, *caso)) for caso in casos]
    with torch.no_grad():
        julgar("residual", saidas, casos, _passo, "B T C")
    x, *pecas = casos[0]
    mesmo_gradiente(lambda x: _passo(x, *pecas), lambda x: resposta(x, *pecas), [x], 1e-3)
    return "x mais o que a peça escreveu, lendo a norma de x."


# -- lição 04 ---------------------------------------------------------------------------------------------

def _bloco(m, x, modo1="pre", modo2="pre", troca_normas=False, troca_pecas=False, repete=None, le="depois", soma="depois",
           norma_no_fim=False, curva=None):
    if curva:
        m = types.SimpleNamespace(norm1=m.norm1, norm2=m.norm2, attention=m.attention,
                                  feedforward=functools.partial(_feedforward, m.feedforward, curva=curva))
    n1, n2 = (m.norm2, m.norm1) if troca_normas else (m.norm1, m.norm2)
    n1, n2 = (getattr(m, repete),) * 2 if repete else (n1, n2)
    primeira, segunda = (m.feedforward, m.attention) if troca_pecas else (m.attention, m.feedforward)
    h = _passo(x, primeira, n1, modo1)
    if soma == "só a segunda":
        return x + segunda(n2(x))
    if le == "antes":
        return h + segunda(n2(x))
    h = x + segunda(n2(h)) if soma == "antes" else _passo(h, segunda, n2, modo2)
    return n2(h) if norma_no_fim else h


@exercicio
def bloco(resposta):
    """Classe `(config)` com `norm1`, `attention`, `norm2`, `feedforward`; `forward(x)` pre-LN."""
    casos = _casos_da_ficha(TransformerBlock, (12, 3, 2, 5), (10, 2, 3, 4), (6, 1, 1, 1))
    return conferir_camada("bloco", resposta, casos, _bloco, folga=3e-4, aceita=_DUAS_FORMAS, folga_do_erro=3e-3)


def _parametros(c, tabelas=True, posicoes=True, saida="certa", vieses="da ficha", projecao=True, neuronios=4, contrair=True,
                normas="certas", blocos=True, cabecas=1, falta_vies=False):
    V, T, C, b = c.vocab_size, c.context_length, c.d_model, {"nunca": 0, "sempre": 1}.get(vieses, c.bias)
    atencao_ = 3 * C * C + 3 * C * b + projecao * (C * C + C * b)
    feedforward_ = neuronios * (C * C + C * b) + contrair * (neuronios * C * C + C * b)
    norma = {"sem": 0, "só ganho": C, "viés da ficha": C + C * c.bias}.get(normas, 2 * C)
    bloco_ = -C * b * falta_vies + atencao_ * (1 if cabecas == 1 else c.n_heads) + feedforward_ + (1 if normas == "uma por bloco" else 2) * norma
    saida_ = {"sempre": V * C, "nunca": 0}.get(saida, 0 if c.tie_weights else V * C) + V * (saida == "com viés")
    final = 0 if normas == "sem a final" else norma
    return torch.tensor(tabelas * V * C + posicoes * T * C + (c.n_layers if blocos else 1) * bloco_ + final + saida_)


@exercicio
def contar_parametros(resposta):
    """`f(config) -> int`: quantos parâmetros tem `GPTMini(config)`."""
    exigir(resposta)
    base = replace(_FICHA, vocab_size=31, context_length=17, n_layers=3)       # tamanhos que não se confundem numa soma
    fichas = [replace(base, **m) for m in ({}, {"bias": False, "d_model": 10, "n_heads": 2}, {"tie_weights": False, "n_layers": 2},
              {"bias": False, "tie_weights": False, "n_layers": 1, "n_heads": 4}, {"vocab_size": 5, "context_length": 41, "n_layers": 7, "dropout": 0.1},
              {"d_model": 1, "n_heads": 1, "context_length": 1, "n_layers": 1})]
    vieram = [um_inteiro(chamar(resposta, ficha)) for ficha in fichas]
    for veio, ficha in zip(vieram, fichas, strict=True):
        modelo = GPTMini(ficha)
        partes = {nome: sum(p.numel() for p in peca.parameters()) for nome, peca in modelo.named_children()
                  if nome != "dropout" and not (nome == "head" and ficha.tie_weights)}
        if veio == (certo := modelo.num_parameters()):
            continue
        saidas, casos = [torch.tensor(n) for n in vieram], [(f,) for f in fichas]
        if falha := erro_conhecido("contar_parametros", saidas, casos, _parametros, folga=0):
            raise falha
        d, amarrada = abs(veio - certo), ", e `head` é a própria `token_embedding`" if ficha.tie_weights else ""
        somas = [grupo for n in range(1, len(partes) + 1) for grupo in itertools.combinations(partes, n) if sum(map(partes.get, grupo)) == d]
        pista = f" É o que há em {' + '.join(f'`{nome}`' for nome in somas[0])}." if len(somas) == 1 else ""
        raise diga("contar_parametros.outra_conta", veio=veio, certo=certo, pista=pista,
                     ficha=f"d_model={ficha.d_model}, n_layers={ficha.n_layers}, bias={ficha.bias}, tie_weights={ficha.tie_weights}",
                     diferenca=f"{'sobram' if veio > certo else 'faltam'} {d}",
                     partes=", ".join(f"{n} em `{nome}`" for nome, n in partes.items()) + amarrada)
    return f"A conta bate em {len(fichas)} fichas diferentes."


# -- lição 05 ---------------------------------------------------------------------------------------------

@exercicio
def alvos(resposta):
    """`f(tokens, context_length) -> (x, y)`, cada um (N, T): janelas do texto, e o token seguinte de cada posição."""
    exigir(resposta)
    for i, (n, T) in enumerate([(13, 4), (12, 4), (17, 5), (11, 3), (5, 4), (7, 1), (200, 64)]):
        tokens = (torch.randperm(n, generator=sorteio(i)) + 20).tolist()       # todos diferentes: cada um diz onde está
        x, y = _duas_janelas(resposta, tokens, T)
        _conferir_alvos(x, y, tokens, T)
        onde = {token: lugar for lugar, token in enumerate(tokens)}
        repetidos = [lugar * lugar % 3 for lugar in range(n)]                  # e agora com repetidos: as mesmas janelas
        outras = _duas_janelas(resposta, repetidos, T)
        for nome, veio, certo in zip("xy", outras, (x, y), strict=True):
            if veio.tolist() != [[repetidos[onde[token]] for token in linha] for linha in certo.tolist()]:
                raise diga("alvos.repetidos", nome=nome)
    return "Cada alvo é o token seguinte, e as janelas cobrem o texto."


def _duas_janelas(resposta, tokens, T):
    try:
        par = chamar(resposta, tokens, T)
    except Falha as falha:                              # há quem espere um tensor; se com ele der certo, vale
        try:
            par = chamar(resposta, torch.tensor(tokens), T)
        except Falha:
            raise falha from None
    if (dois := uma_sequencia(par)) is None or len(dois) != 2:
        raise diga("alvos.nao_e_par", veio=descrever(par))
    return [*map(um_tensor, dois)]


def _conferir_alvos(x, y, tokens, T):
    n, onde = len(tokens), {token: i for i, token in enumerate(tokens)}
    for nome, t in (("x", x), ("y", y)):
        if t.dim() == 2 and not len(t):
            raise diga("alvos.sem_janelas")
        if t.is_floating_point():
            raise diga("alvos.nao_sao_ids", nome=nome, veio=t.dtype)
    if x.dim() == 2 and y.dim() == 2 and x.shape != y.shape:
        raise diga("alvos.formas_diferentes", x=tuple(x.shape), y=tuple(y.shape))
    for t in (x, y):
        if t.dim() != 2 or t.size(1) != T:
            raise forma_errada(t.shape, ((n - 1) // T, T), "N T")
    linhas = list(zip(x.tolist(), y.tolist(), strict=True))

    def erradas(passo):
        return [(i, j) for i, (xs, ys) in enumerate(linhas) for j in range(T) if onde.get(ys[j], -9) != onde.get(xs[j], -99) + passo]

    for passo, nome in ((0, "alvos.sem_deslocar"), (-1, "alvos.para_tras"), (2, "alvos.de_dois")):
        if erradas(1) and len(erradas(passo)) <= len(linhas):       # um por linha pode ser da ponta
            raise diga(nome)
    if ruins := erradas(1):
        i, j = ruins[0]
        if all(j == T - 1 for _, j in ruins):
            deu_a_volta = linhas[i][1][-1] in (linhas[i][0][0], tokens[0])
            raise diga("alvos.ultimo", como="deu a volta e pegou o primeiro token" if deu_a_volta else "não é o token seguinte do texto")
        raise diga("alvos.um_errado", i=i, j=j, token=linhas[i][0][j], alvo=linhas[i][1][j])
    comecos = [onde[xs[0]] for xs, _ in linhas]
    if any(xs != tokens[c : c + T] for c, (xs, _) in zip(comecos, linhas, strict=True)):
        raise diga("alvos.fora_do_texto")
    saltos = {b - a for a, b in itertools.pairwise(comecos)} or {T}
    if comecos[0] != 0 or len(saltos) > 1 or min(saltos) < 1:
        raise diga("alvos.comecos", comecos=comecos)
    if min(saltos) > T or comecos[-1] + min(saltos) + T < n:
        raise diga("alvos.faltam", n=n, T=T, vieram=len(linhas))


def _perda(logits, targets, eixo=-1, achatar="certo", junta="média", sinal=-1, base=math.e, softmax=0, quais="todas", log=True,
           normaliza=True, desloca=False):
    if desloca:
        logits, targets = logits[:, :-1], targets[:, 1:]
    B, T, V = logits.shape
    logits = {"view": lambda: logits.reshape(B, V, T).transpose(1, 2), "tokens primeiro": lambda: logits.transpose(0, 1).reshape(B, T, V),
              "vocabulário primeiro": lambda: logits.permute(2, 0, 1).reshape(B, T, V),
              "deitada": lambda: logits.reshape(V, B * T).T.reshape(B, T, V)}.get(achatar, lambda: logits)()
    targets = targets.T.reshape(B, T) if achatar == "alvos" else targets
    logits = logits.softmax(-1) if softmax else logits
    notas = (logits.log_softmax(eixo) if log else logits.softmax(eixo)) if normaliza else logits
    nats = sinal * (notas.mean(-1) if quais == "palavras" else notas.gather(-1, targets[..., None])[..., 0]) / math.log(base)
    nats = {"última": nats[:, -1:], "primeira": nats[:, :1]}.get(quais, nats)
    return {"média": nats.mean, "soma": nats.sum, "por texto": lambda: nats.sum() / B, "por token": lambda: nats.sum() / T,
            "exp": lambda: nats.mean().exp(), "log da média": lambda: -(-nats).exp().mean().log()}[junta]()


@exercicio
def perda(resposta):
    """`f(logits, targets) ->` um número só, em tensor: (B, T, V) e (B, T), média de −ln p em todas as posições."""
    exigir(resposta)
    casos = [(2 * torch.randn(B, T, V, generator=sorteio(i)), torch.randint(V, (B, T), generator=sorteio(i)))
             for i, (B, T, V) in enumerate([(2, 5, 7), (3, 4, 6), (1, 1, 2), (2, 1, 3), (1, 9, 40)])]
    vieram = [chamar(resposta, *caso) for caso in casos]
    floats = all(isinstance(v, float) for v in vieram)
    saidas = [torch.tensor(v) if floats else um_tensor(v) for v in vieram]
    saidas = [s.squeeze() if s.numel() == 1 else s for s in saidas]
    if saidas[0].numel() == casos[0][1].numel():
        raise diga("perda.por_posicao", veio=tuple(saidas[0].shape))
    julgar("perda", saidas, casos, _perda, "")
    if floats:
        raise diga("perda.float")
    notas, targets = torch.tensor([[[200.0, -200, 0], [0, 0, 200]]]), torch.tensor([[1, 2]])
    veio = um_tensor(chamar(resposta, notas, targets))
    if veio.numel() != 1 or not igual(veio.reshape(()), _perda(notas, targets), 1e-4):
        raise diga("perda.estourou", veio=pt(veio.flatten()[0]), certa=pt(_perda(notas, targets)))
    logits, targets = casos[0]
    mesmo_gradiente(lambda logits: _perda(logits, targets), lambda logits: resposta(logits, targets), [logits])
    return f"A média de −ln p em todas as posições, em {len(casos)} tamanhos."


class _Otimizador:
    """Descida simples, que anota quando foi chamada; a do torch custa um segundo para carregar."""

    def __init__(self, pesos, fatos):
        self.param_groups, self.fatos = [{"params": pesos, "lr": 0.5}], fatos

    def zero_grad(self, set_to_none=True):
        for p in self.param_groups[0]["params"]:
            p.grad = None

    @torch.no_grad()
    def step(self):
        grupo = self.param_groups[0]
        self.fatos.append([torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in grupo["params"]])
        for p in grupo["params"]:
            if p.grad is not None:
                p -= grupo["lr"] * p.grad


@exercicio
def passo_de_treino(resposta):
    """`f(model, optimizer, x, y) -> float`: um passo, e a perda do lote."""
    exigir(resposta)
    model, fatos = sortear_pesos(GPTMini(replace(_FICHA, d_model=8, n_heads=2, n_layers=1)), 0), []
    pesos = list(model.parameters())
    with torch.no_grad():
        for p in pesos:
            p.mul_(0.3)                 # gradiente de norma menor que 1: encolhê-lo até 1, como a lição, não muda nada
    otimizador, anterior = _Otimizador(pesos, fatos), None
    pesos[0].register_hook(lambda _: fatos.append("backward"))
    modos = []
    for peca in model.modules():
        peca.register_forward_pre_hook(lambda peca, _: modos.append(peca.training))
    for semente, (B, T) in enumerate([(3, 6), (3, 6), (1, 9)]):         # o que não foi apagado num passo aparece no seguinte
        x, y = torch.randint(11, (2, B, T), generator=sorteio(semente))
        loss = model(x, y)[1]
        certo, antes = torch.autograd.grad(loss, pesos), [p.detach().clone() for p in pesos]
        fatos.clear()
        modos.clear()
        try:
            valor = chamar(resposta, model, otimizador, x, y)
        except Falha as falha:
            raise diga("passo_de_treino.sem_return") if falha.resultado.em_branco and fatos else falha from None
        rodou = not all(modos)
        if "backward" in fatos and len(fatos) == 1 and not _todos_iguais(pesos, antes):
            raise diga("passo_de_treino.outro_otimizador")
        _conferir_passo(fatos, certo, anterior)
        with torch.no_grad():
            if not _todos_iguais(pesos, [a - 0.5 * g for a, g in zip(antes, certo, strict=True)]):
                raise diga("passo_de_treino.pesos_a_mais")
            depois = model(x, y)[1].item()
        if rodou or not all(peca.training for peca in model.modules()):
            raise diga("passo_de_treino.em_eval", quando="rodou" if rodou else "ficou")
        if e_um(valor, torch.Tensor) or type(numero := cru(valor)) not in (int, float):
            raise diga("passo_de_treino.nao_e_float", veio=descrever(valor))
        valor = numero
        if not math.isclose(valor, loss.item(), rel_tol=1e-4):
            de_depois = math.isclose(valor, depois, rel_tol=1e-4)
            raise diga("passo_de_treino.outra_perda", veio=pt(valor), certa=pt(loss.item()), depois=" É a perda de depois do passo: "
                       "devolva a que foi usada no `backward`." if de_depois else "")
        anterior = certo
    return "Três passos seguidos, com os gradientes certos e a perda do lote."


def _todos_iguais(uns, outros):
    return all(igual(a, b, 1e-4) for a, b in zip(uns, outros, strict=True))


def _conferir_passo(fatos, certo, anterior):
    """`fatos`: "backward", e os gradientes na hora de cada `step`, na ordem em que aconteceram."""
    steps = [fato for fato in fatos if fato != "backward"]
    if "backward" not in fatos:
        raise diga("passo_de_treino.sem_backward")
    if not steps:
        raise diga("passo_de_treino.sem_step")
    if fatos[0] != "backward":
        raise diga("passo_de_treino.step_antes")
    if len(steps) > 1:
        raise diga("passo_de_treino.varios_steps", vezes=len(steps))
    if not any(g.any() for g in steps[0]):
        raise diga("passo_de_treino.zero_grad_no_meio")
    if anterior and _todos_iguais(steps[0], [a + b for a, b in zip(certo, anterior, strict=True)]):
        raise diga("passo_de_treino.sem_zero_grad")
    if not _todos_iguais(steps[0], certo):
        raise diga("passo_de_treino.outros_gradientes")


# -- lição 06 ---------------------------------------------------------------------------------------------

def _chances(logits, temperature, top_k, calor="dividido", corte=0, softmax=True, lugar=False):
    """As probabilidades (V,) com que cada id deve sair."""
    if calor == "só sem top_k":
        calor = "ignorado" if top_k else "dividido"
    z = {"dividido": logits / temperature, "multiplicado": logits * temperature, "igual": 0 * logits}.get(calor, logits)
    if top_k is not None and corte != "ignorado":
        z = z.masked_fill(torch.arange(len(z)) >= top_k if corte == "primeiros" else
                          logits < logits.sort(descending=True).values[min(max(top_k + corte, 1), len(z)) - 1], -math.inf)
    p = z.softmax(-1) if softmax else z.clamp(min=0) / z.clamp(min=0).sum()
    if softmax == 2:
        p = p.masked_fill(p == 0, -math.inf).softmax(-1)
    return p.sort(descending=True).values if lugar and top_k is not None else p


def _raridade(contagem, chances):
    """Quão longe as frequências estão das chances: o maior n · KL entre os ids. O acaso passa de t com chance menor que 2e⁻ᵗ."""
    n, p = contagem.sum().double(), chances.double()
    f = contagem / n
    kl = torch.xlogy(f, f / p) + torch.xlogy(1 - f, (1 - f) / (1 - p))
    return math.inf if p.isnan().any() or contagem[p < 1e-12].any() else (n * kl.nan_to_num(0)).max().item()


def _acompanha(contagem, chances):
    return _raridade(contagem, chances) < 14        # um acaso em cada milhão


def _que_id_sobra(contagens, casos):
    i = next(i for i, (contagem, caso) in enumerate(zip(contagens, casos, strict=True)) if not _acompanha(contagem, _chances(*caso)))
    (logits, temperature, top_k), frequencias, certas = casos[i], contagens[i] / contagens[i].sum(), _chances(*casos[i])
    id = (frequencias - certas).abs().argmax().item()
    return diga("amostrar.outra", id=id, nota=pt(logits[id]), temperature=pt(temperature), top_k=top_k,
                veio=f"{frequencias[id]:.0%}", certo=f"{certas[id]:.0%}", logits=", ".join(map(pt, logits)))


_NOTAS, _EMPATE = [0.1, 1.7, 3.0, 0.2, 2.4], [1.0, 3.0, -2.0, 3.0, 0.5, 3.0, 1.0]
_SORTEIOS = [      # (`logits`, `temperature`, `top_k`, quantas vezes); os dois primeiros dão nome à maior parte dos erros
    (_NOTAS, 0.25, None, 250), (_NOTAS, 3.0, 2, 250),
    (_NOTAS, 0.25, 3, 150), (_NOTAS, 0.05, 2, 60), (_NOTAS, 1.0, 1, 60), ([-1.8, 2.0, 1.5, 1.0], 1.0, None, 500),
    ([-1.8, 2.0, 1.5, 1.0], 1.0, 4, 100), ([-1.8, 2.0, 1.5, 1.0], 2, 3, 200), ([0.001, 0.0, 0.002, -0.0005], 0.001, 3, 200),
    ([60.0, -20.0, 40.0], 40.0, 2, 150), (_EMPATE, 1.5, None, 300), (_EMPATE, 0.5, 3, 100), ([4.0], 1.0, None, 3), ([5.0, 1.0, 3.0], 1.0, 9, 100)]


@exercicio
def amostrar(resposta):
    """`f(logits, temperature, top_k, generator) -> int`, logits (V,); `top_k` pode ser None."""
    exigir(resposta)

    def sortear(caso, g, vezes):
        def muitas(logits, temperature, top_k):
            antes = logits.clone()
            while len(saiu) < vezes and torch.equal(logits, antes):     # se mudou a entrada, `chamar` o dirá
                saiu.append(resposta(logits, temperature, top_k, g))
            return True

        saiu = [chamar(lambda *notas: resposta(*notas, g), *caso)]
        chamar(muitas, *caso)
        ids = [*map(um_inteiro, saiu)]
        if ruins := [i for i in ids if not 0 <= i < len(caso[0])]:
            raise diga("amostrar.fora_do_vocabulario", id=ruins[0], ultimo=len(caso[0]) - 1)
        return torch.bincount(torch.tensor(ids), minlength=len(caso[0])), ids

    logits, total = torch.tensor(_NOTAS), 0
    if len(set(sortear((logits, 1.0, None), sorteio(0), 60)[1])) == 1:
        girados = [logits.roll(i) for i in range(len(logits))]
        gulosa = all(sortear((girado, 1.0, None), sorteio(0), 1)[1][0] == girado.argmax() for girado in girados)
        raise diga("amostrar.argmax" if gulosa else "amostrar.sempre_o_mesmo")
    contagens, casos = [], []
    for i, (notas, temperature, top_k, vezes) in enumerate(_SORTEIOS):
        caso, g = (torch.tensor(notas), temperature, top_k), sorteio(i)
        try:
            contagem = sortear(caso, g, vezes)[0]
        except Falha as falha:
            if top_k is not None and top_k > len(notas) and "parou" in falha.resultado.dica:
                continue                                # o enunciado não diz o que fazer com um k maior que o vocabulário
            raise
        while contagem.sum() < 6000 and 5 < _raridade(contagem, _chances(*caso)) < 30:
            contagem = contagem + sortear(caso, g, 1500)[0]         # na dúvida, sorteia mais antes de acusar
        contagens.append(contagem)
        casos.append(caso)
        if i >= 1 and not all(_acompanha(c, _chances(*caso)) for c, caso in zip(contagens, casos, strict=True)):
            quais = sorted({0, 1, len(casos) - 1})      # para dar nome ao erro, mais sorteios destes
            contagens = [contagens[j] + sortear(casos[j], sorteio(90 + j), 900)[0] for j in quais]
            julgar("amostrar", contagens, [casos[j] for j in quais], _chances, "V", bate=_acompanha, sintomas=_que_id_sobra)
    empatados = set(sortear((torch.tensor(_EMPATE), 1.0, 2), sorteio(0), 60)[1])
    if len(empatados) < 2 or not empatados <= {1, 3, 5}:
        raise diga("amostrar.empate", sairam=", ".join(map(str, sorted(empatados))))
    filas = []
    for semente in (1, 2):
        torch.manual_seed(semente)
        random.seed(semente)
        g = sorteio(5)
        filas.append([sortear((logits, 2.0, top_k), g, 30)[1] for top_k in (None, 3)])
    if filas[0] != filas[1]:
        raise diga("amostrar.sem_generator")
    return f"As frequências de {sum(map(torch.sum, contagens))} sorteios acompanham as probabilidades, em {len(casos)} combinações."


def _gerar(model, idx, n, janela="fim", devolve="tudo", lugar=-1, a_mais=0, sinal=1, cresce=True, frente=False):
    T, cabem, visto = idx.size(1), model.config.context_length, idx
    for _ in range(n + a_mais):
        recorte = {"fim": visto[:, -cabem:], "começo": visto[:, :cabem], "último": visto[:, -1:]}[janela]
        novo = (sinal * model(recorte)[0][:, lugar]).argmax(-1, keepdim=True)                    # (1, 1)
        velho = idx[:, -cabem:] if devolve == "janela" else idx
        idx = torch.cat([novo, velho] if frente else [velho, novo], 1)
        visto = idx if cresce else visto
    return {"novos": idx[:, T:], "começo": idx[:, :T], "um": idx[:, : T + 1]}.get(devolve, idx)


# (semente do modelo, [(T, n)]): o segundo modelo escreve quase todo o vocabulário, também o 0, o `<fim>` das lições, no meio do texto.
_COMECOS = [(3, [(3, 3), (2, 6), (8, 3)]), (19, [(1, 9), (5, 7), (3, 12), (6, 1)])]


@exercicio
def gerar(resposta):
    """`f(model, idx, max_new_tokens) -> (1, T + n)`, sempre o token mais provável."""
    exigir(resposta)
    cabem, vistos, casos = 5, [], []
    for semente, comecos in _COMECOS:
        model = sortear_pesos(GPTMini(replace(_FICHA, context_length=cabem, tie_weights=False)), semente).eval()
        with torch.no_grad():
            for tabela in (model.token_embedding, model.position_embedding):
                tabela.weight.mul_(3)       # assim ele não repete sempre o mesmo token, e cada erro dá um texto seu
        model.register_forward_pre_hook(lambda _, entrada: vistos.append((torch.as_tensor(entrada[0]).size(-1), torch.is_grad_enabled())))
        casos += [(model, torch.randint(11, (1, T), generator=sorteio(T)), n) for T, n in comecos]
    try:
        saidas, outra_vez = ([um_tensor(chamar(resposta, *caso)) for caso in casos] for _ in range(2))
    except Falha as falha:
        longo = max((T for T, _ in vistos), default=0)
        raise diga("gerar.contexto", veio=longo, cabem=cabem) if longo > cabem else falha from None
    if not all(map(torch.equal, saidas, outra_vez)):
        raise diga("gerar.sorteou")
    com_gradiente = any(ligado for _, ligado in vistos)
    with torch.no_grad():
        julgar("gerar", saidas, casos, _gerar, "B T")
    if tipos := {saida.dtype for saida in saidas} - {torch.int64, torch.int32}:
        raise diga("gerar.nao_sao_ids", veio=tipos.pop())
    if com_gradiente:
        raise diga("gerar.com_gradientes")
    model, idx, _ = casos[0]
    try:
        nenhum = um_tensor(chamar(resposta, model, idx, 0))
    except Falha:
        nenhum = idx                                    # o enunciado não promete zero tokens: parar vale; escrever, não
    if not igual(nenhum, idx, 0):
        raise diga("gerar.token_a_mais")
    return "O começo, seguido do mais provável a cada passo, também além da janela."


# -- exercícios de prever, ler e ordenar --------------------------------------------------------------------

def forma(nome, palpite, certa, eixos="", segundos=LIMITE):
    """Prever uma forma: `confere.forma("01-forma", (2, 5, 12), q, "B T C")`; `certa` é um tensor ou uma forma."""
    def corpo():
        esperada, nomes = tuple(getattr(certa, "shape", certa)), eixos.split()
        if palpite is None or palpite is ...:
            raise diga("forma.em_branco")
        itens = uma_sequencia(_de_tensor(palpite))
        dito = tuple(map(cru, [palpite] if itens is None and len(esperada) == 1 else itens or ()))
        if (itens is None and len(esperada) != 1) or not all(type(n) is int for n in dito):
            raise diga("forma.nao_e_tupla", veio=mostrar(palpite))
        com_nomes = f"{esperada}" + (f" = ({', '.join(nomes)})" if nomes else "")
        if tuple(dito) == esperada:
            return f"A forma é {com_nomes}."
        if len(dito) != len(esperada):
            disse, sao = (f"{n} {'eixo' if n == 1 else 'eixos'}" for n in (len(dito), len(esperada)))
            raise diga("forma.quantos_eixos", disse=disse, sao=f"{'é' if len(esperada) == 1 else 'são'} {sao}", esperada=com_nomes)
        if sorted(dito) == sorted(esperada):
            raise diga("forma.fora_de_ordem", esperada=com_nomes)
        quais = [f"o eixo {i}" + (f" ({nomes[i]}: {EIXOS.get(nomes[i], nomes[i])})" if nomes else "") for i, n in enumerate(esperada) if dito[i] != n]
        raise diga("forma.eixos", quais=" e ".join(quais), esperada=com_nomes)
    return responder(nome, corpo, segundos)


_QUE_TIPO = {float: "um número", str: "uma palavra", bool: "`True` ou `False`"}
_SIM_OU_NAO = {"true": True, "verdadeiro": True, "verdade": True, "sim": True, "false": False, "falso": False, "falsa": False, "não": False,
               "nao": False, "verdadeira": True, "s": True, "n": False, "v": True, "f": False}
_MIL = {"mil": 1e3, "milhão": 1e6, "milhões": 1e6, "bilhão": 1e9, "bilhões": 1e9}


def _de_tensor(valor):
    """Um tensor ou array de uma dimensão -> lista; o resto, como veio."""
    if (numpy := sys.modules.get("numpy")) and e_um(valor, numpy.ndarray):
        return numpy.ndarray.tolist(valor) if numpy.ndarray.ndim.__get__(valor) == 1 else valor
    simples = comum(valor) if e_um(valor, torch.Tensor) else None
    return simples.tolist() if simples is not None and simples.dim() == 1 else valor


def _numero_escrito(texto):
    """«4,2», «.5», «1e3», «50 %», «1.000,5», «10 mil», «−3» -> o número; None, se não é um."""
    partes = re.fullmatch(r"([+-]?)(\d[\d_]*|\d{1,3}(?:\.\d{3}){2,}|\d{1,3}(?:\.\d{3})+(?=,)|\d{1,3}(?:,\d{3})+(?=\.)|)([.,]\d*)?(e[+-]?\d{1,3})? ?(%|[a-zãõ]+)?",
                          texto.replace("−", "-").replace("\u00a0", " ").removeprefix("~").removeprefix("≈").strip())
    if not partes or not re.search(r"\d", (partes[2] or "") + (partes[3] or "")) or (partes[5] not in (None, "%", "x", "vezes", *_MIL)):
        return None
    inteira = re.sub(r"[.,_]", "", partes[2])
    return float(f"{partes[1]}{inteira or 0}{(partes[3] or '').replace(',', '.')}{partes[4] or ''}") * _MIL.get(partes[5], 1.0)


def _entendido(valor, tipo=None):
    """O que se respondeu, como float, bool ou palavra em minúsculas; None em branco, e o próprio valor se não se entende.

    `tipo` é o que se espera: só ele decide se «sim» é palavra ou verdadeiro.
    """
    if valor is None or valor is ...:
        return None
    if e_um(valor, str):
        texto = str.__str__(valor)[:200].strip(" «»\"'“”").casefold()
        numero, sim = _numero_escrito(texto), _SIM_OU_NAO.get(texto.rstrip(".!"))
        if tipo is bool and sim is not None:
            return sim
        return texto.strip(".") or None if numero is None or tipo is str else numero
    if type(valor) in (Decimal, Fraction) and not (type(valor) is Decimal and valor.is_nan()) and abs(valor) < 10**300:
        return float(valor)
    numero = cru(valor)
    if type(numero) is int:
        return float(numero) if abs(numero) < 10**300 else valor
    return valor if numero is None or type(numero) is complex else numero


def palpite(valor, tipo=float):
    """O palpite de «Preveja» como número (`tipo=float`), verdadeiro ou falso (`tipo=bool`) ou palavra (`tipo=str`).

    `4,2` (que em Python é uma tupla), `"4,2"` e `"50 %"` são números; `"falso"` e `"não"` são `False`. Em branco dá None;
    o que não se entende também, com uma frase impressa.
    """
    if tipo is str and e_um(valor, str):
        return str.__str__(valor)[:200].strip() or None
    if tipo is bool and cru(valor) in (0, 1):
        return bool(cru(valor))
    par = uma_sequencia(valor) if tipo is float and e_um(valor, tuple) else None
    if par and len(par) == 2 and all(type(cru(n)) is int for n in par) and cru(par[1]) >= 0:
        valor = f"{cru(par[0])},{cru(par[1])}"
    dito = _entendido(valor, tipo)
    if dito is None or type(dito) is tipo and dito == dito and dito not in (math.inf, -math.inf):
        return dito
    print(f"Não entendi o palpite {mostrar(valor)}: esperava {_QUE_TIPO[tipo]}{', como `4.2`' * (tipo is float)}; fica sem palpite.")
    return None


def leitura(nome, resposta, certa, tolerancia=0.0, confusoes=None, segundos=LIMITE):
    """Ler um número, uma palavra ou um sim ou não de uma figura.

    `certa` é calculada na hora; `confusoes` é {o que dizer: o que responde quem se enganou assim}.
    """
    def perto(a, b):
        return abs(a - b) <= tolerancia + 1e-9 if isinstance(a, float) and isinstance(b, float) else type(a) is type(b) and a == b

    def corpo():
        certo = _entendido(certa)
        if (dito := _entendido(resposta, type(certo))) is None:
            raise diga("leitura.em_branco")
        if perto(dito, certo):
            if isinstance(certo, float):
                return f"É {certo:,.0f}.".replace(",", ".") if certo.is_integer() else f"É {pt(certo)}."
            return f"É «{certa}»." if isinstance(certo, str) else "É isso."
        if type(dito) is not type(certo):
            if e_um(resposta, tuple) and isinstance(certo, float):
                raise diga("leitura.decimal")
            raise diga("leitura.outro_tipo", veio=mostrar(resposta), esperava=_QUE_TIPO[type(certo)])
        for dica, valor in (confusoes or {}).items():
            if perto(dito, _entendido(valor, type(certo))):
                raise diga("leitura.engano", dica=dica)
        if not isinstance(certo, float):
            raise diga("leitura.contrario" if isinstance(certo, bool) else "leitura.palavra", veio=str(resposta)[:80])
        if certo >= 1000 and (perto(dito * 1000, certo) or perto(dito * 1e6, certo)):
            raise diga("leitura.milhar")
        for fator, engano in ((100, "porcentagem"), (0.01, "fracao"), (-1, "sinal")):
            if certo and perto(dito / fator, certo):
                raise diga(f"leitura.{engano}")
        raise diga("leitura.numero", direcao="maior" if certo > dito else "menor", veio=pt(dito), folga=pt(tolerancia))
    return responder(nome, corpo, segundos)


def ordem(nome, resposta, linhas, certa, *entradas, segundos=LIMITE):
    """Pôr linhas embaralhadas em ordem: `confere.ordem("01-ordem", "CABD", linhas, camada, x)`.

    `linhas` é {letra: linha de código}; `certa`, a função ou camada que elas formam. As linhas rodam na ordem dada,
    com os argumentos dela, e o resultado é comparado com o dela: vale qualquer ordem que dê o mesmo.
    """
    funcao = type(certa).forward if isinstance(certa, nn.Module) else certa
    codigo = {letra: textwrap.indent(textwrap.dedent(linha).strip(), "    ") for letra, linha in linhas.items()}

    def rodar(letras):
        espaco = {**funcao.__globals__, "torch": torch, "nn": nn, "F": F, "math": math}
        texto = f"def f{inspect.signature(funcao)}:\n" + "\n".join(codigo[letra] for letra in letras)
        exec(compile(texto, "<linhas>", "exec"), espaco)
        eu = [certa] if isinstance(certa, nn.Module) else []
        return espaco["f"](*eu, *copy.deepcopy(entradas))

    def da_certo(letras, esperado):
        try:
            return igual(rodar(letras), esperado, 1e-4)
        except Exception:
            return False

    def primeira_fora(letras, esperado):
        """A primeira letra com que nenhuma ordem certa continua o que veio antes; nada, se são linhas demais para tentar."""
        fim = [letra for letra in letras if codigo[letra].lstrip().startswith("return")]
        meio = [letra for letra in letras if letra not in fim]
        if len(meio) > 5:
            return None
        certas = [ordem for meia in itertools.permutations(meio) if da_certo(ordem := "".join([*meia, *fim]), esperado)]
        return next((letra for i, letra in enumerate(letras) if not any(ordem.startswith(letras[: i + 1]) for ordem in certas)), None)

    def corpo():
        itens = [resposta] if e_um(resposta, str) else uma_sequencia(resposta)
        if resposta is None or resposta is ... or itens in ([], [""]):
            raise diga("ordem.em_branco", exemplo=repr("".join(linhas)))
        if itens is None or not all(e_um(item, str) for item in itens):
            raise diga("ordem.nao_sao_letras", veio=mostrar(resposta), exemplo=repr("".join(linhas)))
        letras = re.sub(r"[\W_]|→|>", "", "".join(str.__str__(item)[:200] for item in itens)).upper()
        faltam = set(linhas) - set(letras)
        for problema, quais in (("Não há linha", set(letras) - set(linhas)), ("Falta" if len(faltam) == 1 else "Faltam", faltam),
                                ("Está repetida a linha", {letra for letra in letras if letras.count(letra) > 1})):
            if quais:
                raise diga("ordem.letras", problema=problema, quais=", ".join(sorted(quais)), total=len(linhas))
        if cedo := [letra for letra in letras[:-1] if codigo[letra].lstrip().startswith("return")]:
            raise diga("ordem.return_no_meio", linha=cedo[0])
        with torch.no_grad():
            esperado = certa(*copy.deepcopy(entradas))
            if da_certo(letras, esperado):
                return "As linhas, nesta ordem, dão o mesmo resultado."
            sem = {letra: letras.replace(letra, "") for letra in letras}
            uma = [letra for letra in letras for i in range(len(letras)) if da_certo(sem[letra][:i] + letra + sem[letra][i:], esperado)]
            quantas = f"Basta mudar de lugar a linha {uma[0]}." if uma else "Há mais de uma linha fora do lugar."
            primeira = primeira_fora(letras, esperado)
            quantas = f"A primeira fora do lugar é a linha {primeira}. {quantas}" if primeira else quantas
            try:
                rodar(letras)
            except Exception as erro:
                lugar = [passo.lineno for passo in traceback.extract_tb(erro.__traceback__) if passo.filename == "<linhas>"][-1] - 2
                linha = [letra for letra in letras for _ in codigo[letra].splitlines()][lugar]
                if primeira and primeira != linha:      # a que para é só a que sofre o engano de antes
                    raise diga("ordem.nao_roda_depois", primeira=primeira, linha=linha, erro=frase_de(erro) or mostrar(str(erro)), quantas=quantas) from None
                if isinstance(erro, NameError):
                    raise diga("ordem.nome_cedo", linha=linha, nome=re.search(r"'(\w+)'", str(erro))[1], quantas=quantas) from None
                raise diga("ordem.nao_roda", linha=linha, erro=frase_de(erro) or erro, quantas=quantas) from None
        raise diga("ordem.outro_resultado", quantas=quantas)
    return responder(nome, corpo, segundos)
