"""Historinhas: um corpus cuja entropia é um número exato, e um leitor que diz se um texto pertence a ele.

As histórias saem da gramática em `historinhas.toml`. Cada escolha é um sorteio uniforme, então a
probabilidade de cada história é conhecida e a melhor perda possível de um modelo também (`limite`).
Duas frases que disputam o mesmo lugar diferem sempre numa palavra na mesma posição; por isso um texto
tem uma só derivação, e o leitor nunca precisa voltar atrás.
"""

import difflib
import hashlib
import itertools
import math
import os
import random
import re
import reprlib
import tomllib
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from apoio import arquivos
from gptmini.vetores import WordTokenizer, as_int, as_real

ARQUIVO = Path(__file__).with_name("historinhas.toml")
INDICES = {"m": 0, "f": 1, "mp": 2, "fp": 3}     # a ordem das formas em todo o arquivo
PESSOAS = ("masculino singular", "feminino singular", "masculino plural", "feminino plural")
REGRAS = ("antes", "depois", "pessoa")           # com quem a palavra concorda: ver `concordancias`
CONTRACOES = {"no": "em", "num": "em", "do": "de", "ao": "a", "pelo": "por"}
CHAVES = re.compile(r"\{([^{}]*)\}")
ENREDO = re.compile(r"^[ \t]*\[\[\s*enredo\s*\]\]", re.MULTILINE)
TIPOS = {dict: "uma tabela", list: "uma lista entre colchetes", str: "um texto entre aspas"}
SOLTOS = re.compile(r'"(?:\\.|[^"\\\n])*+"|\'[^\'\n]*+\'|#.*')    # textos e comentários: o que há neles não é estrutura
MARCAS = re.compile("[\u0300-\U0010ffff]{31,}")                # onde pode haver acentos empilhados às dezenas
# Até onde uma gramática pode crescer e ainda ser lida num instante. A do curso tem 16 mil bytes e 640 caminhos.
MAX_BYTES = 200_000
MAX_FUNDO = 20                                   # tabelas e listas umas dentro das outras
MAX_LETRAS = {"palavra": 40, "etiqueta": 60, "frase": 1_000}
MAX_PALAVRAS = 500                               # por categoria
MAX_FRASES = 300                                 # que disputam um lugar: são comparadas duas a duas
MAX_TOKENS = 1_000                               # da história mais longa de um enredo
MAX_CAMINHOS = 10_000                            # por enredo: a conta exata passa por todos
MAX_CONTA = 1_000_000                            # tokens em todos os caminhos da gramática
MAX_SORTEIO = 1_000_000                          # o que cabe na memória


class GramaticaInvalida(ValueError):
    """A gramática tem um erro; a mensagem diz a linha, o enredo e a lacuna, e do que cita mostra só o começo."""

    def __init__(self, mensagem):
        super().__init__(re.sub(r"«([^»]{100})[^»]+»", r"«\1…»", _imprimivel(mensagem)))


class HistorinhaInvalida(ValueError):
    """O texto não é uma historinha: `motivo` diz por quê; `posicao`, em que token (contando do zero)."""

    def __init__(self, motivo, posicao):
        self.motivo, self.posicao = motivo, posicao
        super().__init__(f"{motivo} (token {posicao})")


@dataclass(frozen=True)
class Historinha:
    """Um texto e ln p(texto), em nats; `enredo` e `lacunas` dizem como ele nasceu."""

    texto: str
    log_prob: float
    enredo: str = ""
    lacunas: dict = field(default_factory=dict, compare=False)


@dataclass(frozen=True, eq=False)
class Valor:
    """O que preenche uma lacuna: um nome (tem `indice`) ou um adjetivo (tem `formas`)."""

    palavra: str
    indice: int | None = None
    formas: tuple = ()


@dataclass(frozen=True, eq=False)
class Peca:
    """Um token da frase: fixo (`texto`), o valor de `lacuna`, ou uma palavra que concorda com `lacuna`:
    a de um lema (`formas`) ou a de uma lacuna de adjetivo (`adjetivo`)."""

    possiveis: frozenset       # tudo o que ela pode escrever
    texto: str = ""
    lacuna: str = ""
    lema: str = ""
    formas: tuple = ()
    adjetivo: str = ""
    maiuscula: bool = False

    @property
    def escreve(self):
        """A lacuna que o leitor recupera daqui; vazio se a peça só concorda, ou é fixa."""
        return self.adjetivo or ("" if self.formas else self.lacuna)

    def palavra(self, valor, adjetivo=None):
        """O que ela escreve, dados os valores de `lacuna` e, se houver, de `adjetivo`."""
        if self.formas:
            return self.formas[valor.indice]
        if self.adjetivo:
            return _maiuscula(adjetivo.formas[valor.indice], self.maiuscula)
        return valor.palavra if valor else self.texto


QUEBRA = Peca(frozenset("\n"), texto="\n")


@dataclass(frozen=True, eq=False)
class Frase:
    pecas: tuple
    fala: bool
    texto: str
    pos: int | None     # onde está no arquivo


@dataclass(frozen=True, eq=False)
class Caminho:
    """Uma frase para cada passo. `nats` é -ln p de cada uma das suas `historias`, todas com os mesmos tokens."""

    frases: tuple
    pecas: tuple        # as das frases, mais as quebras de linha
    lacunas: tuple      # na ordem em que são sorteadas
    nats: float
    historias: int

    @cached_property
    def molde(self):
        """O texto com %s no lugar do que varia, e as peças que variam."""
        tokens = ["%s" if p.lacuna else p.texto.replace("%", "%%") for p in self.pecas]
        return WordTokenizer.join(tokens), tuple(p for p in self.pecas if p.lacuna)


@dataclass(frozen=True, eq=False)
class Enredo:
    nome: str
    lacunas: dict       # lacuna -> categoria
    passos: tuple       # tuplas de Frase
    caminhos: dict      # qual frase em cada passo -> Caminho


def _imprimivel(texto):
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in texto)


def _maiuscula(palavra, sim=True):
    return palavra[:1].upper() + palavra[1:] if sim else palavra


def _aspas(token):
    return "quebra de linha" if token == "\n" else f"«{_imprimivel(token[:40])}{'…' if len(token) > 40 else ''}»"


def _ou(palavras, no_maximo=4):
    ditas = [_aspas(p) for p in palavras]
    if len(ditas) > no_maximo:
        return f"{', '.join(ditas[: no_maximo - 1])} ou outras {len(ditas) - no_maximo + 1}"
    return " ou ".join(filter(None, [", ".join(ditas[:-1]), ditas[-1]]))


def _perto(palavra, conhecidas):
    perto = difflib.get_close_matches(palavra[:60], itertools.islice(conhecidas, 500), 1)
    return f"Seria «{perto[0]}»?" if perto else f"Existem: {', '.join(itertools.islice(conhecidas, 20))}."


def _curto(valor):
    """Como mostrar o que veio, seja o que for, dentro de uma frase."""
    return " ".join(reprlib.repr(valor).split())[:60]


def _nfc(dados, fundo=MAX_FUNDO):
    """O mesmo dado com todos os textos, chaves inclusive, na forma em que cada letra acentuada é um código só."""
    if isinstance(dados, str):
        return _texto_nfc(dados)
    if not isinstance(dados, (list, tuple, dict)):
        return dados
    if not fundo:
        raise ValueError(f"há mais de {MAX_FUNDO} tabelas ou listas umas dentro das outras")
    if not isinstance(dados, dict):
        return [_nfc(d, fundo - 1) for d in dados]
    for chave in dados:
        if not isinstance(chave, str):
            raise ValueError(f"a chave {_curto(chave)} não é um texto")
    novo = {_texto_nfc(k): _nfc(v, fundo - 1) for k, v in dados.items()}
    if len(novo) < len(dados):
        raise ValueError("há duas chaves que só diferem no código dos acentos")
    return novo


def _texto_nfc(texto):
    """Normalizar milhares de acentos sobre uma letra só levaria minutos; nenhuma escrita tem trinta."""
    for trecho in MARCAS.findall(texto):
        if any(marca and len([*grupo]) > 30 for marca, grupo in itertools.groupby(trecho, lambda c: unicodedata.combining(c) > 0)):
            raise ValueError("há uma letra com mais de 30 acentos empilhados; não esperava mais que um ou dois")
    return unicodedata.normalize("NFC", str(texto))


def _tokens(texto):
    if not isinstance(texto, str):
        raise TypeError(f"esperava um texto (str); veio {type(texto).__name__}.")
    return WordTokenizer.split(_texto_nfc(texto))


def _fila(coisas, nome):
    """Uma fila de textos, ou de historinhas -> lista de textos; um texto só, ou o que não é fila, é recusado."""
    if isinstance(coisas, (str, Historinha)):
        raise TypeError(f"em {nome} recebi um texto só; passe uma lista de textos: [texto].")
    if isinstance(coisas, (bytes, dict)) or not hasattr(coisas, "__iter__") or getattr(coisas, "ndim", 1) == 0:
        raise TypeError(f"{nome} veio como {type(coisas).__name__}; passe uma lista de textos.")
    textos = [coisa.texto if isinstance(coisa, Historinha) else coisa for coisa in coisas]
    for i, texto in enumerate(textos):
        if not isinstance(texto, str):
            raise TypeError(f"{nome}, no lugar {i}, veio {type(texto).__name__}; esperava um texto ou uma historinha.")
    return [_texto_nfc(texto) for texto in textos]


class Gramatica:
    """A gramática do curso, ou a da turma: `nomes` e `palavras` trocam as listas do arquivo.

    nomes: {"f": ["Bia", ...], "m": ["Noah", ...]}: o gênero gramatical que cada pessoa escolhe.
    palavras: {"brinquedo": {"m": [...], "f": [...]}, ...}: categorias do arquivo, com "mp" e "fp" para plurais.
    arquivo: outro arquivo TOML, no formato de `historinhas.toml`.
    """

    def __init__(self, nomes=None, palavras=None, arquivo=ARQUIVO):
        if not isinstance(arquivo, (str, os.PathLike)):
            raise GramaticaInvalida(f"arquivo veio {_curto(arquivo)}; esperava o caminho de um arquivo .toml.")
        self.arquivo = Path(arquivo)
        self.fonte, dados = self._abrir()
        trocas = {**(self._da_turma("palavras", palavras) or {})}
        if (nomes := self._da_turma("nomes", nomes)) is not None:
            trocas["nome"] = nomes
        self._ler_palavras(dados, trocas)
        self._ler_concordancia(dados)
        enredos, self.conta = self._pede(dados, "enredo", list, self.arquivo.name), 0
        if len(enredos) > MAX_FRASES:
            raise self._erro(f"são {len(enredos)} enredos, e o máximo é {MAX_FRASES}; tire alguns.")
        lugares = [achado.start() for achado in ENREDO.finditer(self.fonte)]
        if len(lugares) != len(enredos):
            lugares = [None] * len(enredos)
        self.enredos = tuple(self._ler_enredo(e, pos, len(enredos)) for e, pos in zip(enredos, lugares, strict=True))
        if not enredos or len({e.nome for e in self.enredos}) < len(enredos):
            raise GramaticaInvalida("a gramática não tem enredos." if not enredos else
                                    "há dois enredos com o mesmo nome: "
                                    + Counter(e.nome for e in self.enredos).most_common(1)[0][0])
        self._exige_leitura_unica()
        self._exige_palavras_novas()
        self._exige_concordancia()

    # -- do arquivo à gramática -------------------------------------------------------------------

    def _abrir(self):
        nome = self.arquivo.name[:60]
        if not os.path.isfile(self.arquivo):                 # antes de abrir: quem abre um cano espera para sempre
            porem = " (com esse nome há uma pasta, ou outra coisa)" if os.path.exists(self.arquivo) else ""
            raise GramaticaInvalida(f"não achei o arquivo «{nome}»{porem}; a busca partiu de {Path.cwd()}.")
        try:
            with open(self.arquivo, "rb") as arquivo:
                lidos = arquivo.read(MAX_BYTES + 1)
        except OSError as erro:
            raise GramaticaInvalida(f"não consegui ler {nome}: {arquivos.motivo(erro).split(';')[0]}; copie-o para uma pasta sua.") from erro
        if len(lidos) > MAX_BYTES:
            raise GramaticaInvalida(f"{nome} tem mais de {MAX_BYTES // 1000} mil bytes; uma gramática é menor que isso.")
        try:
            fonte = _texto_nfc(lidos.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n"))
            self._exige_raso(fonte)
            return fonte, _nfc(tomllib.loads(fonte))
        except UnicodeDecodeError:
            raise GramaticaInvalida(f"{nome} não está em UTF-8; salve-o de novo nessa codificação.") from None
        except RecursionError:
            raise GramaticaInvalida(f"{nome}: há tabelas ou listas demais umas dentro das outras; confira os colchetes.") from None
        except tomllib.TOMLDecodeError as erro:
            lugar = re.search(r"line (\d+), column (\d+)", str(erro))
            linha, coluna = map(int, lugar.groups()) if lugar else (fonte.count("\n") + 1, 1)
            enredo = re.findall(r'(?m)^nome\s*=\s*"(.*)"', "\n".join(fonte.split("\n")[: linha - 1]))
            onde = f"enredo «{enredo[-1][:60]}», " if enredo else ""
            o_que = ("essa tabela ou chave já existe; apague uma das duas, ou troque o nome" if "Cannot" in str(erro) else
                     "não é um TOML válido; confira aspas, vírgulas e colchetes")
            raise GramaticaInvalida(f"linha {linha}: {onde}perto da coluna {coluna}: {o_que}.") from None
        except GramaticaInvalida:
            raise
        except ValueError as erro:                           # de `_nfc`; ou do Python, de um número de milhares de dígitos
            porque = erro if "digits" not in str(erro) else "há um número com dígitos demais; apague-o"
            raise GramaticaInvalida(f"{nome}: {porque}.") from None

    def _exige_raso(self, fonte):
        """Tabelas e listas aninhadas aos milhares são recusadas antes que o leitor de TOML se perca nelas."""
        fundo = 0
        for linha, texto in enumerate(fonte.split("\n"), 1):
            estrutura, fundo_max = SOLTOS.sub("", texto), fundo
            for sinal in re.findall(r"[][{}]", estrutura):
                fundo = max(0, fundo + (1 if sinal in "[{" else -1))
                fundo_max = max(fundo, fundo_max)
            if max(fundo_max, estrutura.count(".")) > MAX_FUNDO:
                raise GramaticaInvalida(f"linha {linha}: há mais de {MAX_FUNDO} tabelas ou listas umas dentro das outras; "
                                        "confira os colchetes, as chaves e os pontos.")

    def _da_turma(self, nome, listas):
        """O que a turma passou em `nomes` ou `palavras`, com chaves e textos normalizados."""
        if not isinstance(listas, dict | None):
            exemplo = '{"f": ["Bia"], "m": ["Davi"]}' if nome == "nomes" else '{"fruta": {"fp": ["uvas"]}}'
            raise GramaticaInvalida(f"{nome} veio {_curto(listas)}; esperava uma tabela, como {exemplo}.")
        try:
            return _nfc(listas)
        except ValueError as erro:
            raise GramaticaInvalida(f"{nome}: {erro}.") from None

    def _erro(self, mensagem, pos=None):
        linha = "" if pos is None else f"linha {self.fonte.count(chr(10), 0, pos) + 1}: "
        return GramaticaInvalida(linha + mensagem)

    def _acha(self, trecho, desde=0):
        """Onde o trecho está no arquivo, a partir de `desde` (None: em lugar nenhum); se não se acha, o próprio `desde`."""
        achado = -1 if desde is None else self.fonte.find(trecho, desde)
        return achado if achado >= 0 else desde or None

    def _confere(self, valor, tipo, onde, pos=None):
        if not isinstance(valor, tipo):
            raise self._erro(f"{onde}: esperava {TIPOS[tipo]}, veio {_curto(valor)}.", pos)
        return valor

    def _pede(self, tabela, chave, tipo, onde, pos=None):
        if chave not in tabela:
            raise self._erro(f"{onde}: falta «{chave}»; veja como essa parte se escreve em historinhas.toml.", pos)
        return self._confere(tabela[chave], tipo, f"{onde}, «{chave}»", pos)

    def _textos(self, valor, onde, pos=None, no_maximo=10_000):
        if len(self._confere(valor, list, onde, pos)) > no_maximo:
            raise self._erro(f"{onde}: são {len(valor)} textos na lista; tire alguns, que o máximo é {no_maximo}.", pos)
        return [self._confere(t, str, onde, pos) for t in valor]

    def _cabe(self, texto, o_que, onde, pos=None):
        if len(texto) > MAX_LETRAS[o_que]:
            raise self._erro(f"{onde}: «{texto[:40]}…» tem {len(texto)} letras; numa {o_que} cabem {MAX_LETRAS[o_que]}.", pos)
        if not texto.isprintable():
            raise self._erro(f"{onde}: «{texto}» tem um sinal que não se imprime; apague-o.", pos)
        return texto

    def _palavra_so(self, palavra, onde, pos=None):
        self._cabe(palavra, "palavra", onde, pos)
        if WordTokenizer.split(palavra) != [palavra] or not palavra[:1].isalpha():
            raise self._erro(f"{onde}: «{palavra}» precisa ser uma palavra só, sem espaço "
                             "(dois nomes se unem com hífen: Ana-Clara).", self._acha(f'"{palavra}"', pos))
        return palavra

    def _formas(self, texto, onde, pos):
        formas = tuple(self._palavra_so(p, onde, pos) for p in self._cabe(texto, "frase", onde, pos).split())
        if len(formas) != 4:
            raise self._erro(f"{onde}: «{texto}» tem {len(formas)} formas; esperava 4: "
                             "masculino, feminino e os dois plurais.", self._acha(f'"{texto}"', pos))
        return formas

    def _ler_palavras(self, dados, trocas):
        """Enche `categorias`: para cada uma, os valores possíveis, do arquivo ou da turma (`trocas`)."""
        palavras = self._pede(dados, "palavras", dict, self.arquivo.name)
        adjetivos = self._confere(dados.get("adjetivos", {}), dict, "[adjetivos]")
        for categoria in trocas:
            if categoria not in {**palavras, **adjetivos}:
                raise self._erro(f"não existe a categoria «{categoria}». {_perto(str(categoria), [*palavras, *adjetivos])}")
        self.categorias, self.tipos, self.da_turma = {}, {}, {}    # da_turma: as palavras que o arquivo não tinha
        for secao, tabelas in (("palavras", palavras), ("adjetivos", adjetivos)):
            for categoria, tabela in tabelas.items():
                onde = f"[{secao}.{categoria}]"
                pos = self._acha(onde)
                self._cabe(categoria, "etiqueta", f"[{secao}]", pos)
                self._confere(tabela, dict, onde, pos)
                self.tipos[categoria] = self._cabe(self._pede(tabela, "tipo", str, onde, pos), "etiqueta", onde, pos)
                if categoria in self.categorias:
                    raise self._erro(f"{onde}: já existe uma categoria com esse nome.", pos)
                ler = self._adjetivos if secao == "adjetivos" else self._nomes
                self.categorias[categoria] = ler(categoria, {k: v for k, v in tabela.items() if k != "tipo"}, onde, pos)
                if categoria in trocas:
                    antes = self._escritas(categoria)
                    self.categorias[categoria] = ler(categoria, trocas[categoria], f"«{categoria}»", None)
                    self.da_turma[categoria] = self._escritas(categoria) - antes

    def _escritas(self, categoria):
        return {palavra for v in self.categorias[categoria] for palavra in v.formas or (v.palavra,)}

    def _nomes(self, categoria, listas, onde, pos):
        self._confere(listas, dict, onde, pos)
        numeros = {v.indice // 2 for v in self.categorias.get(categoria, ())}    # a turma fica com os do arquivo
        aceitos = [g for g, i in INDICES.items() if not numeros or i // 2 in numeros]
        valores = {}
        for genero, palavras in listas.items():
            if genero not in aceitos:
                raise self._erro(f"{onde}: «{genero}» não serve; esperava {_ou(aceitos)}, "
                                 f'como em {{"{aceitos[-1]}": [...]}}.', self._acha(genero, pos))
            for palavra in self._textos(palavras, f"{onde}, «{genero}»", pos, MAX_PALAVRAS):
                self._palavra_so(palavra, onde, pos)
                lugar = self._acha(f'"{palavra}"', pos)
                if self.tipos[categoria] == "nome" and palavra[0].islower():
                    raise self._erro(f"{onde}: «{palavra}» é nome de alguém: comece com maiúscula.", lugar)
                if palavra in valores:
                    raise self._erro(f"{onde}: «{palavra}» aparece duas vezes.",
                                     self._acha(f'"{palavra}"', lugar and lugar + 1))
                valores[palavra] = Valor(palavra, INDICES[genero])
        return tuple(valores.values())

    def _adjetivos(self, categoria, tabela, onde, pos):
        textos = self._pede(tabela, "formas", list, onde, pos) if isinstance(tabela, dict) else tabela
        valores, vistas = [], set()
        for texto in self._textos(textos, onde, pos, MAX_PALAVRAS):
            formas = self._formas(texto, onde, pos)
            if not vistas.isdisjoint(formas):
                raise self._erro(f"{onde}: «{texto}» repete uma forma de outro adjetivo.", self._acha(f'"{texto}"', pos))
            vistas.update(formas)
            valores.append(Valor(formas[0], formas=formas))
        return tuple(valores)

    def _ler_concordancia(self, dados):
        """Monta o léxico: para cada palavra, em que regra de concordância entra e que índices aceita."""
        self.concorda, self.regra, self.indices = {}, {}, {}
        for regra, lemas in self._pede(dados, "concorda", dict, self.arquivo.name).items():
            onde = f"[concorda.{regra}]"
            pos = self._acha(onde)
            if regra not in REGRAS:
                raise self._erro(f"{onde} não existe. {_perto(regra, REGRAS)}", pos)
            for lema, texto in self._confere(lemas, dict, onde, pos).items():
                lugar = self._acha(f"{self._cabe(lema, 'palavra', onde, pos)} =", pos)
                self.concorda[lema] = self._formas(self._confere(texto, str, f"{onde} {lema}", lugar), f"{onde} {lema}", lugar)
                for i, forma in enumerate(self.concorda[lema]):
                    self._anota(regra, forma, i, onde, lugar)
        for categoria, valores in self.categorias.items():
            onde = f"«{categoria}»"
            pos = None if categoria in self.da_turma else self._acha(f".{categoria}]")
            for valor in valores:
                for i, forma in enumerate(valor.formas):
                    self._anota("depois", forma, i, onde, pos)
                if not valor.formas:
                    regra = "nome" if self.tipos[categoria] == "nome" else "substantivo"
                    self._anota(regra, valor.palavra, valor.indice, onde, pos)
        onde = "[substantivos]"
        pos = self._acha(onde)
        for genero, palavras in self._pede(dados, "substantivos", dict, self.arquivo.name).items():
            if genero not in INDICES:
                raise self._erro(f"{onde}: «{genero}» não serve; esperava {_ou(INDICES)}.", pos)
            for palavra in self._textos(palavras, onde, pos):
                self._anota("substantivo", self._palavra_so(palavra, onde, pos), INDICES[genero], onde, pos)

    def _anota(self, regra, palavra, indice, onde, pos):
        if self.regra.setdefault(palavra, regra) != regra:
            raise self._erro(f"{onde}: «{palavra}» serve a duas regras de concordância, {self.regra[palavra]} e {regra}; "
                             "troque uma das palavras.", self._acha(f'"{palavra}"', pos))
        self.indices.setdefault(palavra, set()).add(indice)

    def _ler_enredo(self, dados, pos, quantos):
        self._confere(dados, dict, "[[enredo]]", pos)
        nome = self._cabe(self._pede(dados, "nome", str, "[[enredo]]", pos), "etiqueta", "[[enredo]]", pos)
        onde = f"enredo «{nome}»"
        lacunas = self._pede(dados, "lacunas", dict, onde, pos)
        na_linha = self._acha("lacunas", pos)
        for lacuna, categoria in lacunas.items():
            self._cabe(lacuna, "etiqueta", f"{onde}, lacunas", na_linha)
            if self._confere(categoria, str, f"{onde}, lacuna «{lacuna}»", na_linha) not in self.categorias:
                raise self._erro(f"{onde}, lacuna «{lacuna}»: não existe a categoria «{categoria}». "
                                 + _perto(categoria, self.categorias), self._acha(f'"{categoria}"', na_linha))
            if lacuna in self.concorda:
                raise self._erro(f"{onde}, lacuna «{lacuna}»: esse nome já é de uma palavra de [concorda]; dê outro.", na_linha)
        for categoria, pedidas in Counter(lacunas.values()).items():
            if len(self.categorias[categoria]) < pedidas:
                raise self._erro(f"{onde}: pede {pedidas} valores diferentes de «{categoria}», que tem "
                                 f"{len(self.categorias[categoria])}.", None if categoria in self.da_turma else na_linha)
        passos, lugar = [], self._acha("passos", pos)
        lidos = self._pede(dados, "passos", list, onde, pos)
        if len(lidos) > MAX_TOKENS:
            raise self._erro(f"{onde}: são {len(lidos)} passos, e o máximo é {MAX_TOKENS}; divida o enredo.", pos)
        for passo in lidos:
            frases = []
            for texto in self._textos(passo, f"{onde}, passo {len(passos) + 1}", lugar, MAX_FRASES):
                desta = self._acha(f'"{texto}"', lugar)
                frases.append(self._ler_frase(texto, desta, onde, lacunas))
                lugar = desta and max(lugar, desta + 1)
            passos.append(tuple(frases))
        if not passos or not all(passos):
            raise self._erro(f"{onde}: há um passo sem frases.", pos)
        caminhos, tokens = math.prod(map(len, passos)), sum(max(len(f.pecas) + 1 for f in passo) for passo in passos)
        self.conta += caminhos * tokens
        for quanto, maximo, de_que in ((caminhos, MAX_CAMINHOS, "caminhos"), (tokens, MAX_TOKENS, "tokens na história mais longa"),
                                       (self.conta, MAX_CONTA, "tokens somados em todos os caminhos até aqui")):
            if quanto > maximo:
                raise self._erro(f"{onde}: são mais de {maximo} {de_que}; tire frases ou divida o enredo.", pos)
        enredo = Enredo(nome, lacunas, tuple(passos), {})
        inicio = math.log(quantos * caminhos)
        for indices in itertools.product(*(range(len(p)) for p in passos)):
            enredo.caminhos[indices] = self._caminho(enredo, [p[i] for p, i in zip(passos, indices, strict=True)], inicio)
        for lacuna in set(lacunas).difference(*(c.lacunas for c in enredo.caminhos.values())):
            raise self._erro(f"{onde}, lacuna «{lacuna}»: nenhuma frase a usa.", na_linha)
        return enredo

    def _ler_frase(self, texto, pos, onde, lacunas):
        def recusa(lacuna, mensagem):
            return self._erro(f"{onde}, lacuna «{lacuna}»: {mensagem}", pos)

        pecas, resto = [], 0
        self._cabe(texto, "frase", onde, pos)
        for achado in [*CHAVES.finditer(texto), None]:
            fixos = WordTokenizer.split(texto[resto : achado.start() if achado else None])
            pecas += [Peca(frozenset([t]), texto=t) for t in fixos]
            if {"{", "}"} & set(fixos):
                solta = re.search(r"\{([\w ]*)|(\w*)\}", CHAVES.sub("", texto))
                raise recusa((solta[1] or solta[2] or "").strip(), "chave sem par; confira { e }.")
            if achado:
                pecas.append(self._ler_chaves(achado[1], lacunas, recusa))
                resto = achado.end()
        cheio = CHAVES.sub("X", texto)
        if not pecas:
            raise self._erro(f"{onde}: frase vazia.", pos)
        if len(WordTokenizer.split(cheio)) != len(pecas) or WordTokenizer.join(WordTokenizer.split(cheio)) != cheio:
            raise self._erro(f"{onde}: confira os espaços de «{texto}»: um entre palavras, nenhum antes de , . ! ? : ; "
                             "e nenhum nas pontas; aspas, parênteses e apóstrofos não cabem.", pos)
        return Frase(tuple(pecas), texto.startswith("—"), texto, pos)

    def _ler_chaves(self, dentro, lacunas, recusa):
        """O que está entre chaves -> `Peca`."""
        *lema, lacuna = dentro.split() or [""]
        if len(lema) > 1 or lacuna not in lacunas:
            raise recusa(dentro, f"não está na lista de lacunas do enredo. {_perto(lacuna, lacunas)}")
        valores = self.categorias[lacunas[lacuna]]
        if not lema:
            return Peca(frozenset(v.palavra for v in valores), lacuna=lacuna)
        if valores[0].formas:
            raise recusa(lacuna, f"é de adjetivos, e «{lema[0]}» só concorda com nomes.")
        chave, maiuscula = lema[0].lower(), lema[0][0].isupper()
        usados = {v.indice for v in valores}
        if chave in self.concorda:
            formas = tuple(_maiuscula(f, maiuscula) for f in self.concorda[chave])
            return Peca(frozenset(formas[i] for i in usados), lacuna=lacuna, lema=chave, formas=formas)
        adjetivos = self.categorias[lacunas[chave]] if chave in lacunas else ()
        if not adjetivos or not adjetivos[0].formas:
            raise recusa(lacuna, f"«{chave}» não está em [concorda] nem é lacuna de adjetivo. {_perto(chave, self.concorda)}")
        possiveis = frozenset(_maiuscula(a.formas[i], maiuscula) for a in adjetivos for i in usados)
        return Peca(possiveis, lacuna=lacuna, adjetivo=chave, maiuscula=maiuscula)

    def _caminho(self, enredo, frases, nats):
        pecas, fala = [], False
        for frase in frases:
            pecas += [QUEBRA, *frase.pecas] if pecas and (frase.fala or fala) else frase.pecas
            fala = frase.fala
        lacunas = tuple(dict.fromkeys(n for p in pecas for n in (p.adjetivo, p.lacuna) if n))
        for lacuna in set(lacunas) - {p.escreve for p in pecas}:
            frase = next(f for f in frases for p in f.pecas if p.lacuna == lacuna)
            raise self._erro(f"enredo «{enredo.nome}», lacuna «{lacuna}»: há um caminho em que seu valor nunca é "
                             "escrito, e o leitor não teria como saber qual foi.", frase.pos)
        usadas, historias = Counter(), 1
        for lacuna in lacunas:
            categoria = enredo.lacunas[lacuna]
            historias *= len(self.categorias[categoria]) - usadas[categoria]
            usadas[categoria] += 1
        return Caminho(tuple(frases), tuple(pecas), lacunas, nats + math.log(historias), historias)

    def _exige_leitura_unica(self):
        """Frases que disputam um lugar têm de diferir numa posição antes do fim da mais curta."""
        aberturas = [(e, f) for e in self.enredos for f in e.passos[0]]
        disputas = [aberturas] + [[(e, f) for f in passo] for e in self.enredos for passo in e.passos[1:]]
        for disputa in disputas:
            if len(disputa) > MAX_FRASES:
                raise self._erro(f"as aberturas dos enredos são {len(disputa)} frases, e o máximo é {MAX_FRASES}; tire enredos, "
                                 "ou frases do primeiro passo de cada um.")
            for (_, a), (enredo, b) in itertools.combinations(disputa, 2):
                if all(p.possiveis & q.possiveis for p, q in zip(a.pecas, b.pecas, strict=False)):
                    raise self._erro(f"enredo «{enredo.nome}»: «{b.texto}» pode se confundir com «{a.texto}»; "
                                     "troque uma palavra para que cada texto tenha uma só leitura.", b.pos)

    def _exige_palavras_novas(self):
        """Um nome da turma que também começa frases, como «Era» ou «Todo», confundiria quem lê."""
        frases = (f for e in self.enredos for passo in e.passos for f in passo)
        das_frases = {palavra for f in frases for p in f.pecas for palavra in (p.texto, *p.formas)}
        for categoria, novas in self.da_turma.items():
            for palavra in sorted(novas & das_frases):
                raise self._erro(f"«{categoria}»: «{palavra}» já é palavra das frases; use outra.")

    def _exige_concordancia(self):
        """As frases fixas também concordam: «o árvore» é recusado aqui, com a linha."""
        sorteio = random.Random(0)
        for enredo in self.enredos:
            caminhos = list(enredo.caminhos.values())
            for caminho in caminhos * -(-64 // len(caminhos)):
                valores = self._preencher(enredo, caminho, sorteio)
                tokens = [p.palavra(valores.get(p.lacuna), valores.get(p.adjetivo)) for p in caminho.pecas]
                for i, certo, porque in self._concordancias(tokens):
                    if not certo:
                        frase = next(f for f in caminho.frases if caminho.pecas[i] in f.pecas)
                        dica = "" if certo is False else "; o substantivo está em [substantivos]?"
                        raise self._erro(f"enredo «{enredo.nome}», palavra «{tokens[i]}»: {porque}{dica}", frase.pos)

    # -- sortear ----------------------------------------------------------------------------------

    def sortear(self, n, semente=0):
        """n historinhas diferentes entre si; a mesma semente dá as mesmas."""
        cabem = min(self.historias, MAX_SORTEIO)
        porque = ", que é o que cabe na memória" if cabem < self.historias else ", que é quantas histórias diferentes existem"
        n, semente = as_int("n", n, 1, cabem, otherwise=porque), as_int("semente", semente, 0)
        sorteio, vistas = random.Random(semente), {}
        while len(vistas) < n:
            enredo = sorteio.choice(self.enredos)
            caminho = enredo.caminhos[tuple([sorteio.randrange(len(passo)) for passo in enredo.passos])]
            valores = self._preencher(enredo, caminho, sorteio)
            molde, pecas = caminho.molde
            texto = molde % tuple([p.palavra(valores[p.lacuna], valores.get(p.adjetivo)) for p in pecas])
            if texto not in vistas:
                vistas[texto] = self._historinha(texto, enredo, caminho, valores)
        return list(vistas.values())

    def _preencher(self, enredo, caminho, sorteio):
        """Sorteia um valor para cada lacuna do caminho, sem repetir dentro da categoria."""
        valores = {}
        for lacuna in caminho.lacunas:
            valores[lacuna] = sorteio.choice(self._livres(enredo, lacuna, valores))
        return valores

    def _livres(self, enredo, lacuna, valores):
        categoria = enredo.lacunas[lacuna]
        usados = {v for outra, v in valores.items() if enredo.lacunas[outra] == categoria}
        todos = self.categorias[categoria]
        return [v for v in todos if v not in usados] if usados else todos

    @staticmethod
    def _historinha(texto, enredo, caminho, valores):
        return Historinha(texto, -caminho.nats, enredo.nome, {k: v.palavra for k, v in valores.items()})

    # -- a conta exata ----------------------------------------------------------------------------

    def limite(self):
        """A melhor perda possível: E[-ln p(história)] / E[tokens, com o `<fim>`], em nats por token. Exata."""
        nats = tokens = 0.0
        for enredo in self.enredos:
            caminhos = enredo.caminhos.values()
            nats += sum(c.nats for c in caminhos) / len(caminhos)
            tokens += sum(len(c.pecas) + 1 for c in caminhos) / len(caminhos)
        return nats / tokens

    @cached_property
    def historias(self):
        """Quantas histórias diferentes existem."""
        return sum(c.historias for e in self.enredos for c in e.caminhos.values())

    def resumo(self):
        """Por enredo: quantas histórias diferentes, a mais provável delas, e os tokens da menor e da maior."""
        linhas = {}
        for enredo in self.enredos:
            caminhos = enredo.caminhos.values()
            linhas[enredo.nome] = {"historias": sum(c.historias for c in caminhos),
                                   "p_maxima": math.exp(-min(c.nats for c in caminhos)),
                                   "menor": min(len(c.pecas) for c in caminhos),
                                   "maior": max(len(c.pecas) for c in caminhos)}
        return linhas

    @property
    def assinatura(self):
        """Identifica a gramática: muda quando muda o arquivo ou uma das listas."""
        return hashlib.sha256(repr((self.fonte, self.categorias)).encode()).hexdigest()[:16]

    # -- ler --------------------------------------------------------------------------------------

    def analisar(self, texto):
        """Texto -> a `Historinha` com a probabilidade de sua única derivação, ou `HistorinhaInvalida`."""
        tokens = _tokens(texto)
        enredo, caminho, valores, _ = self._ler(tokens, solto=False)
        return self._historinha(WordTokenizer.join(tokens), enredo, caminho, {k: valores[k][0] for k in caminho.lacunas})

    def _ler(self, tokens, solto):
        """Segue o texto passo a passo. Solto, as lacunas não lembram nem concordam: só anota as menções."""
        if not tokens:
            raise HistorinhaInvalida("o texto está vazio", 0)
        opcoes = [(e, i) for e in self.enredos for i in range(len(e.passos[0]))]
        indices, valores, mencoes, posicao, fala = (), {}, [], 0, False
        while opcoes:
            paradas = []
            for enredo, i in opcoes:
                frase = enredo.passos[len(indices)][i]
                ate, lidos, parou = self._ler_frase_em(enredo, frase, tokens, posicao, valores, fala, solto)
                if not parou:
                    break
                paradas.append((ate, enredo, frase, parou, lidos))
            else:
                longe = [(self._ler_frase_em(e, f, tokens, posicao, valores, fala, solto=True)[0], ate)
                         for ate, e, f, *_ in paradas]
                parecidas = [p for p, ate in zip(paradas, longe, strict=True) if ate == max(longe)]
                raise self._recusa(tokens, parecidas, abertura=not indices)
            if solto:
                pecas = zip(frase.pecas, tokens[ate - len(frase.pecas) : ate], strict=True)
                mencoes += [(p, token) for p, token in pecas if p.escreve]
            indices, valores, posicao, fala = (*indices, i), lidos, ate, frase.fala
            acabou = len(indices) == len(enredo.passos)
            opcoes = [] if acabou else [(enredo, i) for i in range(len(enredo.passos[len(indices)]))]
        if posicao < len(tokens):
            raise HistorinhaInvalida(f"a história já tinha acabado, e veio {_aspas(tokens[posicao])}", posicao)
        return enredo, enredo.caminhos[indices], valores, mencoes

    def _ler_frase_em(self, enredo, frase, tokens, posicao, valores, fala, solto):
        """(até onde leu, o que sabe agora das lacunas, a peça em que parou: None se a frase inteira está ali)."""
        valores = dict(valores)
        for peca in (QUEBRA, *frase.pecas) if posicao and (frase.fala or fala) else frase.pecas:
            token = tokens[posicao] if posicao < len(tokens) else ""
            if token not in peca.possiveis or not (solto or self._restringe(enredo, peca, token, valores)):
                return posicao, valores, peca
            posicao += 1
        return posicao, valores, None

    def _restringe(self, enredo, peca, token, valores):
        """Guarda em `valores` só os valores que ainda explicam o token; falso se nenhum explica."""
        if peca.texto:
            return True
        pares = [par for par in self._pares(enredo, peca, valores) if peca.palavra(*par) == token]
        if pares:
            valores[peca.lacuna] = list(dict.fromkeys(valor for valor, _ in pares))
        if pares and peca.adjetivo:
            valores[peca.adjetivo] = list(dict.fromkeys(adjetivo for _, adjetivo in pares))
        return bool(pares)

    def _pares(self, enredo, peca, valores):
        """As escolhas ainda possíveis para a lacuna da peça e para a do seu adjetivo (None se não tem)."""
        adjetivos = self._candidatos(enredo, peca.adjetivo, valores) if peca.adjetivo else [None]
        return itertools.product(self._candidatos(enredo, peca.lacuna, valores), adjetivos)

    def _candidatos(self, enredo, lacuna, valores):
        if len(valores.get(lacuna, ())) == 1:
            return valores[lacuna]
        livres = self._livres(enredo, lacuna, {k: v[0] for k, v in valores.items() if k != lacuna and len(v) == 1})
        return [v for v in valores[lacuna] if v in livres] if lacuna in valores else livres

    # -- dizer por que não ------------------------------------------------------------------------

    def _recusa(self, tokens, paradas, abertura):
        """`paradas`: onde pararam as frases que o texto mais parece seguir; elas dizem o motivo."""
        posicao = paradas[0][0]
        token, seguinte = [*tokens[posicao : posicao + 2], "", ""][:2]
        esperadas = [sorted({peca.palavra(*par) for par in self._pares(enredo, peca, valores)}) if peca.lacuna else [peca.texto]
                     for _, enredo, _, peca, valores in paradas]
        todas = list(dict.fromkeys(itertools.chain(*esperadas)))
        if not token:
            return HistorinhaInvalida(f"a história acabou antes da hora: esperava {_ou(todas)}", posicao)
        if abertura and not posicao:
            return HistorinhaInvalida(f"nenhuma história começa com {_aspas(token)}: esperava {_ou(todas)}", posicao)
        if token.lower() not in map(str.lower, todas):
            for (_, enredo, _, peca, valores), palavras in zip(paradas, esperadas, strict=True):
                if motivo := self._motivo(enredo, peca, token, seguinte, valores, palavras):
                    return HistorinhaInvalida(motivo, posicao)
        return HistorinhaInvalida(f"esperava {_ou(todas)}, veio {_aspas(token)}", posicao)

    def _motivo(self, enredo, peca, token, seguinte, valores, esperadas):
        """O nome do erro, se tem um: troca, gênero, número, contração."""
        if peca.escreve:
            candidatos = self._candidatos(enredo, peca.escreve, valores)
            categoria = enredo.lacunas[peca.escreve]
            for valor in self.categorias[categoria]:
                if token not in (valor.formas or (valor.palavra,)) or valor in candidatos:
                    continue
                if peca.escreve in valores and len(candidatos) == 1:
                    return f"troca de {self.tipos[categoria]}: a história falava de «{esperadas[0]}», veio «{token}»"
                indices = {c.indice for c in candidatos}
                if valor.indice not in indices:
                    return self._discorda(token, [valor.indice], indices)
                return f"«{token}» já tem outro papel nesta história"
        lemas = list(self.concorda.items())
        if peca.adjetivo:
            lemas = [(peca.adjetivo, a.formas) for a in self._candidatos(enredo, peca.adjetivo, valores)]
        minusculas = {e.lower() for e in esperadas}
        for lema, formas in lemas:
            if minusculas.isdisjoint(formas):
                continue
            if token.lower() in formas:
                sabe = self._candidatos(enredo, peca.lacuna, valores) if peca.lacuna else []
                certos = [v.indice for v in sabe] or [i for i in range(4) if formas[i] in minusculas]
                veios = [i for i in range(4) if formas[i] == token.lower()]
                return self._discorda(token, veios, certos, sabe[0].palavra if len(sabe) == 1 else "")
            if CONTRACOES.get(lema) == token.lower() and self.regra.get(seguinte) == "antes":
                return f"contração: em vez de «{token}» com artigo, esperava {_ou(esperadas)}"
        return ""

    @staticmethod
    def _discorda(token, veios, certos, com=""):
        veio, certo = min(itertools.product(veios, certos), key=lambda par: par[0] % 2 != par[1] % 2)
        alvo = f"«{com}» é {PESSOAS[certo]}" if com else f"o texto pedia {PESSOAS[certo]}"
        return f"{'gênero' if veio % 2 != certo % 2 else 'número'}: «{token}» é {PESSOAS[veio]}, e {alvo}"

    # -- dar nota ---------------------------------------------------------------------------------

    def concordancias(self, texto):
        """Confere as concordâncias só com o léxico, sem o leitor: lista de (posição, certo, porquê).

        Três regras: artigo e companhia concordam com o próximo substantivo; adjetivo, com o substantivo,
        nome ou pronome anterior mais próximo; ele/ela e menino/menina, com o nome anterior mais próximo.
        `certo` é True, False, ou None quando não há com quem comparar.
        """
        return self._concordancias(_tokens(texto) if isinstance(texto, str) else _fila(texto, "texto"))

    def _concordancias(self, tokens):
        palavras = [t if t in self.regra else t.lower() for t in tokens]
        regras = [self.regra.get(p, "") for p in palavras]
        nominal = [r in ("nome", "substantivo", "pessoa") for r in regras]
        seguinte, adiante = [None] * len(tokens), None      # o primeiro token adiante que não é de «antes» nem de «depois»
        for i in reversed(range(len(tokens))):
            seguinte[i] = adiante
            adiante = adiante if regras[i] in ("antes", "depois") else i
        primeiro = next((i for i, r in enumerate(regras) if r == "nome"), None)
        saida, anterior, nome = [], None, None              # o substantivo e o nome mais recentes
        for i, regra in enumerate(regras):
            alvo = seguinte[i] if regra == "antes" else anterior if regra == "depois" else primeiro if nome is None else nome
            anterior, nome = i if nominal[i] else anterior, i if regra == "nome" else nome
            if regra not in REGRAS:
                continue
            alvo = alvo if alvo is not None and nominal[alvo] else None
            if alvo is None:
                saida.append((i, None, "não há com quem concordar"))
                continue
            certo = bool(self.indices[palavras[i]] & self.indices[palavras[alvo]])
            saida.append((i, certo, f"«{tokens[i]}» {'concorda' if certo else 'não concorda'} com «{tokens[alvo]}»"))
        return saida

    def boletim(self, textos, treino=None):
        """A nota de uma pilha de textos, deriváveis ou não; `treino` (textos ou historinhas) mede a novidade."""
        textos = _fila(textos, "textos")
        if not textos:
            raise ValueError("recebi uma lista vazia; passe ao menos um texto.")
        decorados = None if treino is None else {*_fila(treino, "treino")}
        juizos = {}      # linha do boletim -> True, False ou None (sem juízo) para cada caso
        for texto, vezes in Counter(textos).items():
            tokens = WordTokenizer.split(texto)
            linhas = {"derivável": [self._derivavel(tokens)],
                      "concordância": [certo for _, certo, _ in self._concordancias(tokens)] or [None],
                      **self._mantidos(tokens)}
            if decorados is not None:
                linhas["novidade"] = [texto not in decorados]
            for linha, casos in linhas.items():
                juizos.setdefault(linha, []).extend(casos * vezes)
        casos = {linha: len(todos) for linha, todos in juizos.items()}
        return Boletim(len(textos), {linha: todos.count(True) / casos[linha] for linha, todos in juizos.items()},
                       {linha: todos.count(None) / casos[linha] for linha, todos in juizos.items()}, casos)

    def _derivavel(self, tokens):
        try:
            return bool(self._ler(tokens, solto=False))
        except HistorinhaInvalida:
            return False

    def _mantidos(self, tokens):
        """Lembrou o nome, o objeto, o lugar? Lê com as lacunas soltas e compara as menções entre si."""
        try:
            enredo, _, _, mencoes = self._ler(tokens, solto=True)
        except HistorinhaInvalida:
            return {f"mantém {tipo}": [None] for tipo in self.tipos.values()}
        ditas = {}       # lacuna -> o que o texto disse dela, de cada vez
        for peca, token in mencoes:
            if peca.adjetivo:
                cores = self.categorias[enredo.lacunas[peca.adjetivo]]
                token = next(cor.palavra for cor in cores if token.lower() in cor.formas)
            ditas.setdefault(peca.escreve, []).append(token)
        por_tipo = {}
        for lacuna, palavras in ditas.items():
            por_tipo.setdefault(self.tipos[enredo.lacunas[lacuna]], []).append(palavras)
        return {f"mantém {tipo}": [all(len(set(palavras)) == 1 for palavras in lacunas)]
                for tipo, lacunas in por_tipo.items() if any(len(palavras) > 1 for palavras in lacunas)}


@dataclass(frozen=True)
class Boletim:
    """Frações de 0 a 1. O que não se pôde julgar conta como errado e aparece à parte, em `sem_juizo`."""

    historias: int
    notas: dict
    sem_juizo: dict
    casos: dict

    def __getitem__(self, linha):
        return self.notas[linha]

    def __str__(self):
        linhas = [f"boletim de {self.historias} histórias"]
        for nome in sorted(self.notas, key=lambda n: (n.startswith("mantém"), n)):
            parte = f"  (sem juízo: {self.sem_juizo[nome]:.1%})".replace(".", ",") if self.sem_juizo[nome] else ""
            linhas.append(f"  {nome:<17}{self.notas[nome]:>7.1%}".replace(".", ",") + parte)
        return "\n".join(linhas)


# -- a gramática padrão, sem precisar criar nada -----------------------------------------------------

@cache
def padrao():
    """A gramática do curso, lida uma vez."""
    return Gramatica()


def sortear(n, semente=0):
    return padrao().sortear(n, semente)


def analisar(texto):
    return padrao().analisar(texto)


def limite():
    return padrao().limite()


def boletim(textos, treino=None):
    return padrao().boletim(textos, treino)


def excesso(model, tokenizer, historinhas):
    """Quanto a perda do modelo passa da perda da própria gramática, nas MESMAS histórias: nats por token."""
    from gptmini.treino import evaluate

    if "WordTokenizer" not in [classe.__name__ for classe in type(tokenizer).__mro__]:      # pode ser o que você escreveu no notebook
        raise TypeError(f"tokenizer veio {type(tokenizer).__name__}; esperava um WordTokenizer.")
    vocab_size = getattr(getattr(model, "config", None), "vocab_size", tokenizer.vocab_size)
    if vocab_size != tokenizer.vocab_size:
        raise ValueError(f"o modelo tem {_curto(vocab_size)} tokens e o tokenizador, {tokenizer.vocab_size}; use o que o treinou.")
    if not isinstance(historinhas, (list, tuple)):
        raise TypeError(f"historinhas veio {type(historinhas).__name__}; passe a lista que `sortear` devolve.")
    for i, h in enumerate(historinhas):
        if not isinstance(h, Historinha) or not isinstance(h.texto, str) or not -math.inf < as_real(h.log_prob) <= 0:
            raise TypeError(f"a historinha {i} veio {_curto(h)}; excesso compara com a probabilidade de cada história: "
                            "passe o que `sortear` devolve.")
    if not historinhas:
        raise ValueError("recebi zero historinhas; passe ao menos uma.")
    exemplos = [[tokenizer.fim, *tokenizer.encode(h.texto), tokenizer.fim] for h in historinhas]
    tokens = sum(len(e) - 1 for e in exemplos)
    return evaluate(model, exemplos) + sum(h.log_prob for h in historinhas) / tokens
