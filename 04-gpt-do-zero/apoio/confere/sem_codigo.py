"""Os exercícios sem código: o palpite, prever uma forma, ler um número, pôr linhas em ordem."""

import copy
import inspect
import itertools
import math
import re
import sys
import textwrap
import traceback
from decimal import Decimal
from fractions import Fraction

import torch
import torch.nn.functional as F
from torch import nn

from apoio.confere.corretor import (
    EIXOS,
    LIMITE,
    comum,
    cru,
    diga,
    e_um,
    frase_de,
    igual,
    mostrar,
    pt,
    responder,
    uma_sequencia,
)
from apoio.numeros import numero


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
    partes = re.fullmatch(r"([+-]?)(\d[\d_]*|\d{1,3}(?:\.\d{3}){2,}|\d{1,3}(?:\.\d{3})+(?=,)|\d{1,3}(?:,\d{3})+(?=\.)|)([.,]\d*)?"
                          r"(e[+-]?\d{1,3})? ?(%|[a-zãõ]+)?",
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
                return f"É {numero(certo, 0)}." if certo.is_integer() else f"É {pt(certo)}."
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
            primeira = primeira_fora(letras, esperado)
            if uma:                 # mover uma só resolve: a culpada é essa, e não a que veio cedo porque ela atrasou
                primeira = primeira if primeira in uma else uma[0]
                quantas = f"Basta mudar de lugar a linha {primeira}."
            else:
                quantas = "Há mais de uma linha fora do lugar." + (f" A primeira que não pode vir onde está é a linha {primeira}." if primeira else "")
            try:
                rodar(letras)
            except Exception as erro:
                lugar = [passo.lineno for passo in traceback.extract_tb(erro.__traceback__) if passo.filename == "<linhas>"][-1] - 2
                linha = [letra for letra in letras for _ in codigo[letra].splitlines()][lugar]
                if primeira and primeira != linha and letras.index(primeira) < letras.index(linha):      # a que para só sofre o engano de antes
                    raise diga("ordem.nao_roda_depois", primeira=primeira, linha=linha, erro=frase_de(erro) or mostrar(str(erro)), quantas=quantas) from None
                if isinstance(erro, NameError):
                    raise diga("ordem.nome_cedo", linha=linha, nome=re.search(r"'(\w+)'", str(erro))[1], quantas=quantas) from None
                raise diga("ordem.nao_roda", linha=linha, erro=frase_de(erro) or erro, quantas=quantas) from None
        raise diga("ordem.outro_resultado", quantas=quantas)
    return responder(nome, corpo, segundos)
