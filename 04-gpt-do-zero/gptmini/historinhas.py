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
import random
import re
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from gptmini.vetores import WordTokenizer

ARQUIVO = Path(__file__).with_name("historinhas.toml")
INDICES = {"m": 0, "f": 1, "mp": 2, "fp": 3}     # a ordem das formas em todo o arquivo
PESSOAS = ("masculino singular", "feminino singular", "masculino plural", "feminino plural")
CHAVES = re.compile(r"\{([^{}]*)\}")


class GramaticaInvalida(ValueError):
    """A gramática tem um erro; a mensagem diz a linha, o enredo e a lacuna."""


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


@dataclass(frozen=True)
class Valor:
    """O que preenche uma lacuna: um nome (tem `indice`) ou um adjetivo (tem `formas`)."""

    palavra: str
    indice: int | None = None
    formas: tuple = ()


@dataclass(frozen=True)
class Peca:
    """Um token da frase: fixo (`texto`), o valor de uma lacuna, ou um `lema` que concorda com ela."""

    texto: str = ""
    lacuna: str = ""
    lema: str = ""
    maiuscula: bool = False


@dataclass(frozen=True)
class Frase:
    pecas: tuple
    fala: bool
    texto: str

    @cached_property
    def lacunas(self):
        """As lacunas na ordem em que a frase as menciona."""
        nomes = (n for p in self.pecas for n in (p.lema, p.lacuna) if n)
        return tuple(dict.fromkeys(nomes))

    @cached_property
    def escritas(self):
        """As lacunas cujo valor a frase escreve: as que o leitor consegue recuperar."""
        return {p.lema or p.lacuna for p in self.pecas if p.lacuna}


@dataclass(frozen=True, eq=False)
class Enredo:
    nome: str
    lacunas: dict      # lacuna -> categoria
    passos: tuple      # tuplas de Frase


class Gramatica:
    """A gramática do curso, ou a da turma: `nomes` e `palavras` trocam as listas do arquivo.

    nomes: {"f": ["Bia", ...], "m": ["Noah", ...]}: o gênero gramatical que cada pessoa escolhe.
    palavras: {"brinquedo": {"m": [...], "f": [...]}, ...}: categorias do arquivo, com "mp" e "fp" para plurais.
    arquivo: outro arquivo TOML, no formato de `historinhas.toml`.
    """

    def __init__(self, nomes=None, palavras=None, arquivo=ARQUIVO):
        self.arquivo = Path(arquivo)
        self.fonte = self.arquivo.read_text(encoding="utf-8")
        try:
            dados = tomllib.loads(self.fonte)
        except tomllib.TOMLDecodeError as erro:
            raise GramaticaInvalida(f"{self.arquivo.name} não é um TOML válido: {erro}") from None
        trocas = {**(palavras or {}), **({"nome": nomes} if nomes is not None else {})}
        self._ler_palavras(dados, trocas)
        self._ler_concordancia(dados)
        self.enredos = tuple(self._ler_enredo(e) for e in self._pede(dados, "enredo", self.arquivo.name))
        self._exige_leitura_unica()
        self._exige_concordancia()

    # -- do arquivo à gramática -------------------------------------------------------------------

    def _erro(self, trecho, mensagem):
        antes, achou, _ = self.fonte.partition(trecho)
        linha = f"linha {antes.count(chr(10)) + 1}" if achou else self.arquivo.name
        return GramaticaInvalida(f"{linha}: {mensagem}")

    def _pede(self, tabela, chave, onde):
        if chave not in tabela:
            raise self._erro(onde, f"falta «{chave}» em {onde}.")
        return tabela[chave]

    def _ler_palavras(self, dados, trocas):
        listas = self._pede(dados, "palavras", self.arquivo.name)
        for categoria in trocas:
            if categoria not in listas:
                raise GramaticaInvalida(f"não existe a categoria «{categoria}»; existem: {', '.join(listas)}.")
        self.categorias, self.tipos = {}, {}
        for categoria, tabela in listas.items():
            onde = f"[palavras.{categoria}]"
            self.tipos[categoria] = self._pede(tabela, "tipo", onde)
            listas_da_categoria = trocas.get(categoria, {k: v for k, v in tabela.items() if k != "tipo"})
            self.categorias[categoria] = self._valores(categoria, listas_da_categoria, onde)
        for categoria, tabela in dados.get("adjetivos", {}).items():
            onde = f"[adjetivos.{categoria}]"
            self.tipos[categoria] = self._pede(tabela, "tipo", onde)
            formas = [self._formas(f, onde) for f in self._pede(tabela, "formas", onde)]
            self.categorias[categoria] = tuple(Valor(f[0], formas=f) for f in formas)

    def _valores(self, categoria, listas, onde):
        if not isinstance(listas, dict) or not set(listas) <= set(INDICES):
            raise self._erro(onde, f"«{categoria}» veio como {listas!r:.60}; esperava listas em "
                                   '"m", "f", "mp" ou "fp", como {"f": ["Bia"], "m": ["Noah"]}.')
        valores = []
        for genero, palavras in listas.items():
            for palavra in palavras:
                if WordTokenizer.split(palavra) != [palavra] or not palavra[:1].isalpha():
                    raise self._erro(f'"{palavra}"', f"«{palavra}» em «{categoria}» precisa ser uma palavra só, "
                                                     "sem espaço (dois nomes se unem com hífen: Ana-Clara).")
                valores.append(Valor(palavra, INDICES[genero]))
        repetidas = [p for p, n in Counter(v.palavra for v in valores).items() if n > 1]
        if repetidas:
            raise self._erro(f'"{repetidas[0]}"', f"«{repetidas[0]}» aparece duas vezes em «{categoria}».")
        return tuple(valores)

    def _formas(self, texto, onde):
        formas = tuple(texto.split())
        if len(formas) != 4:
            raise self._erro(f'"{texto}"', f"{onde} tem «{texto}», com {len(formas)} formas; esperava 4: "
                                           "masculino, feminino e os dois plurais.")
        return formas

    def _ler_concordancia(self, dados):
        """Monta o léxico: para cada palavra, em que regra de concordância entra e que índices aceita."""
        self.concorda, self.regra, self.indices = {}, {}, {}
        for regra, lemas in self._pede(dados, "concorda", self.arquivo.name).items():
            for lema, texto in lemas.items():
                self.concorda[lema] = self._formas(texto, f"[concorda.{regra}] {lema}")
                self._anota(regra, self.concorda[lema])
        for categoria, valores in self.categorias.items():
            for valor in valores:
                if valor.formas:
                    self._anota("depois", valor.formas)
                else:
                    self._anota("nome" if self.tipos[categoria] == "nome" else "substantivo", valor.palavra, valor.indice)
        for genero, palavras in self._pede(dados, "substantivos", self.arquivo.name).items():
            for palavra in palavras:
                self._anota("substantivo", palavra, INDICES[genero])

    def _anota(self, regra, formas, indice=None):
        pares = enumerate(formas) if indice is None else [(indice, formas)]
        for i, palavra in pares:
            if self.regra.setdefault(palavra, regra) != regra:
                raise self._erro(f'"{palavra}"', f"«{palavra}» serve a duas regras de concordância: "
                                                 f"{self.regra[palavra]} e {regra}; troque uma das palavras.")
            self.indices.setdefault(palavra, set()).add(i)

    def _ler_enredo(self, dados):
        nome = self._pede(dados, "nome", "[[enredo]]")
        lacunas = self._pede(dados, "lacunas", f'"{nome}"')
        for lacuna, categoria in lacunas.items():
            if categoria not in self.categorias:
                raise self._erro(f'"{nome}"', f"enredo «{nome}», lacuna «{lacuna}»: não existe a categoria «{categoria}»; "
                                              f"existem: {', '.join(self.categorias)}.")
        for categoria, pedidas in Counter(lacunas.values()).items():
            if len(self.categorias[categoria]) < pedidas:
                raise self._erro(f'"{nome}"', f"enredo «{nome}»: pede {pedidas} valores diferentes de «{categoria}», "
                                              f"que tem {len(self.categorias[categoria])}.")
        passos = tuple(tuple(self._ler_frase(f, nome, lacunas) for f in passo)
                       for passo in self._pede(dados, "passos", f'"{nome}"'))
        if not passos or not all(passos):
            raise self._erro(f'"{nome}"', f"enredo «{nome}»: há um passo sem frases.")
        enredo = Enredo(nome, lacunas, passos)
        for caminho in itertools.product(*passos):
            escritas = set().union(*(f.escritas for f in caminho))
            for frase in caminho:
                for lacuna in frase.lacunas:
                    if lacuna in lacunas and lacuna not in escritas:
                        raise self._erro(frase.texto, f"enredo «{nome}», lacuna «{lacuna}»: há um caminho em que seu valor "
                                                      "nunca é escrito, e o leitor não teria como saber qual foi.")
        return enredo

    def _ler_frase(self, texto, enredo, lacunas):
        def recusa(lacuna, mensagem):
            return self._erro(texto, f"enredo «{enredo}», lacuna «{lacuna}»: {mensagem}")

        pecas, resto = [], 0
        for achado in CHAVES.finditer(texto):
            pecas += [Peca(texto=t) for t in WordTokenizer.split(texto[resto : achado.start()])]
            resto = achado.end()
            *lema, lacuna = achado[1].split()
            if len(lema) > 1 or lacuna not in lacunas:
                perto = difflib.get_close_matches(lacuna, lacunas, 1)
                raise recusa(achado[1], "não está na lista de lacunas do enredo."
                             + (f" Seria «{perto[0]}»?" if perto else f" Existem: {', '.join(lacunas)}."))
            chave = lema[0].lower() if lema else ""
            if chave and chave not in self.concorda and not self._e_adjetivo(lacunas.get(chave)):
                perto = difflib.get_close_matches(chave, self.concorda, 1)
                raise recusa(lacuna, f"«{chave}» não está em [concorda] nem é lacuna de adjetivo."
                             + (f" Seria «{perto[0]}»?" if perto else ""))
            pecas.append(Peca("", lacuna, chave, bool(lema) and lema[0][0].isupper()))
        pecas += [Peca(texto=t) for t in WordTokenizer.split(texto[resto:])]
        soltas = [p.texto for p in pecas if p.texto in "{}" and p.texto]
        if soltas or not pecas:
            raise recusa("{…}", "chave aberta e não fechada." if soltas else "frase vazia.")
        return Frase(tuple(pecas), texto.startswith("—"), texto)

    def _e_adjetivo(self, categoria):
        return categoria in self.categorias and bool(self.categorias[categoria][0].formas)

    def _exige_leitura_unica(self):
        """Frases que disputam um lugar têm de diferir numa posição antes do fim da mais curta."""
        aberturas = [(e, f) for e in self.enredos for f in e.passos[0]]
        disputas = [aberturas] + [[(e, f) for f in passo] for e in self.enredos for passo in e.passos[1:]]
        for disputa in disputas:
            for (ea, a), (eb, b) in itertools.combinations(disputa, 2):
                if all(self._possiveis(ea, p) & self._possiveis(eb, q) for p, q in zip(a.pecas, b.pecas)):
                    raise self._erro(b.texto, f"enredo «{eb.nome}»: esta frase pode se confundir com «{a.texto}»; "
                                              "troque uma palavra para que cada texto tenha uma só leitura.")

    def _possiveis(self, enredo, peca):
        """Todos os tokens que uma peça pode escrever."""
        if peca.texto:
            return {peca.texto}
        if not peca.lema:
            return {v.palavra for v in self.categorias[enredo.lacunas[peca.lacuna]]}
        return {self._maiuscula(f, peca) for formas in self._formas_do_lema(enredo, peca) for f in formas}

    def _formas_do_lema(self, enredo, peca):
        if peca.lema in self.concorda:
            return [self.concorda[peca.lema]]
        return [v.formas for v in self.categorias[enredo.lacunas[peca.lema]]]

    @staticmethod
    def _maiuscula(palavra, peca):
        return palavra[0].upper() + palavra[1:] if peca.maiuscula else palavra

    def _exige_concordancia(self):
        """As frases fixas também concordam: «o árvore» é recusado aqui, com a linha."""
        sorteio = random.Random(0)
        for enredo in self.enredos:
            for _ in range(8):
                caminho = [sorteio.choice(passo) for passo in enredo.passos]
                tokens, _, origem = self._escrever(enredo, caminho, sorteio)
                for i, certo, porque in self.concordancias(tokens):
                    if not certo:
                        raise self._erro(origem[i].texto, f"enredo «{enredo.nome}», palavra «{tokens[i]}»: {porque}.")

    # -- sortear ----------------------------------------------------------------------------------

    def sortear(self, n, semente=0):
        """n historinhas diferentes entre si; a mesma semente dá as mesmas."""
        if not isinstance(n, int) or n < 1:
            raise ValueError(f"n veio {n!r}; esperava um inteiro maior que zero.")
        sorteio, vistas = random.Random(semente), {}
        for _ in range(20 * n + 1000):
            if len(vistas) == n:
                break
            enredo = sorteio.choice(self.enredos)
            indices = tuple(sorteio.randrange(len(passo)) for passo in enredo.passos)
            caminho = [passo[i] for passo, i in zip(enredo.passos, indices)]
            tokens, valores, _ = self._escrever(enredo, caminho, sorteio)
            texto = WordTokenizer.join(tokens)
            vistas.setdefault(texto, self._historinha(texto, enredo, indices, valores))
        else:
            raise ValueError(f"a gramática não tem {n} histórias diferentes; peça menos ou acrescente palavras.")
        return list(vistas.values())

    def _historinha(self, texto, enredo, indices, valores):
        lacunas = {lacuna: valor.palavra for lacuna, valor in valores.items()}
        return Historinha(texto, -self.contas[enredo.nome][indices][0], enredo.nome, lacunas)

    def _escrever(self, enredo, caminho, sorteio):
        """Tokens do caminho, os valores sorteados e a frase de onde veio cada token."""
        valores, tokens, origem, fala = {}, [], [], False
        for frase in caminho:
            novos = ["\n"] if tokens and (frase.fala or fala) else []
            for peca in frase.pecas:
                for lacuna in (peca.lema, peca.lacuna):
                    if lacuna in enredo.lacunas and lacuna not in valores:
                        valores[lacuna] = sorteio.choice(self._opcoes(enredo, lacuna, valores))
                novos.append(self._palavra(peca, valores))
            tokens += novos
            origem += [frase] * len(novos)
            fala = frase.fala
        return tokens, valores, origem

    def _opcoes(self, enredo, lacuna, valores):
        categoria = enredo.lacunas[lacuna]
        usados = [v for outra, v in valores.items() if enredo.lacunas[outra] == categoria]
        return [v for v in self.categorias[categoria] if v not in usados]

    def _palavra(self, peca, valores):
        if peca.texto:
            return peca.texto
        if not peca.lema:
            return valores[peca.lacuna].palavra
        formas = self.concorda.get(peca.lema) or valores[peca.lema].formas
        return self._maiuscula(formas[valores[peca.lacuna].indice], peca)

    # -- a conta exata ----------------------------------------------------------------------------

    @cached_property
    def contas(self):
        """Por enredo e caminho (qual frase em cada passo): -ln p de cada história dele, tokens, e quantas são."""
        return {enredo.nome: self._contas_do_enredo(enredo) for enredo in self.enredos}

    def _contas_do_enredo(self, enredo):
        conta = {}
        inicio = math.log(len(self.enredos)) + sum(math.log(len(p)) for p in enredo.passos)
        for indices in itertools.product(*(range(len(p)) for p in enredo.passos)):
            frases = [passo[i] for passo, i in zip(enredo.passos, indices)]
            mencionadas = dict.fromkeys(n for f in frases for n in f.lacunas if n in enredo.lacunas)
            usadas, nats, quantas = Counter(), inicio, 1
            for lacuna in mencionadas:
                categoria = enredo.lacunas[lacuna]
                opcoes = len(self.categorias[categoria]) - usadas[categoria]
                usadas[categoria] += 1
                nats += math.log(opcoes)
                quantas *= opcoes
            quebras = sum(a.fala or b.fala for a, b in itertools.pairwise(frases))
            conta[indices] = nats, sum(len(f.pecas) for f in frases) + quebras, quantas
        return conta

    def limite(self):
        """A melhor perda possível: E[-ln p(história)] / E[tokens, com o `<fim>`], em nats por token. Exata."""
        nats = tokens = 0.0
        for enredo in self.enredos:
            conta = self.contas[enredo.nome].values()
            nats += sum(c[0] for c in conta) / len(conta)
            tokens += sum(c[1] + 1 for c in conta) / len(conta)
        return nats / tokens

    def resumo(self):
        """Por enredo: quantas histórias diferentes, a mais provável delas, e os tokens da menor e da maior."""
        linhas = {}
        for enredo in self.enredos:
            nats, tokens, quantas = zip(*self.contas[enredo.nome].values())
            linhas[enredo.nome] = {"historias": sum(quantas), "p_maxima": math.exp(-min(nats)),
                                   "menor": min(tokens), "maior": max(tokens)}
        return linhas

    @property
    def assinatura(self):
        """Identifica a gramática: muda quando muda o arquivo ou uma das listas."""
        return hashlib.sha256(repr((self.fonte, self.categorias)).encode()).hexdigest()[:16]

    # -- ler --------------------------------------------------------------------------------------

    def analisar(self, texto):
        """Texto -> a `Historinha` com a probabilidade de sua única derivação, ou `HistorinhaInvalida`."""
        tokens = WordTokenizer.split(texto)
        enredo, indices, valores, _ = self._ler(tokens, solto=False)
        return self._historinha(WordTokenizer.join(tokens), enredo, indices, valores)

    def _ler(self, tokens, solto):
        """Segue o texto passo a passo. Solto, as lacunas não lembram nem concordam: só anota as menções."""
        if not tokens:
            raise HistorinhaInvalida("o texto está vazio", 0)
        opcoes = [(e, i) for e in self.enredos for i in range(len(e.passos[0]))]
        indices, valores, mencoes, posicao, fala, passo = (), {}, [], 0, False, 0
        while True:
            pior = None
            for enredo, i in opcoes:
                frase = enredo.passos[passo][i]
                leitura = self._ler_trecho(enredo, frase, tokens, posicao, dict(valores), fala, solto)
                if leitura[0] is None:
                    break
                pior = max(pior or leitura, leitura, key=lambda f: f[0])
            else:
                onde, motivo, *_ = pior
                raise HistorinhaInvalida(motivo, onde)
            _, posicao, valores, novas = leitura
            mencoes += novas
            indices += (i,)
            fala, passo = frase.fala, passo + 1
            if passo == len(enredo.passos):
                break
            opcoes = [(enredo, i) for i in range(len(enredo.passos[passo]))]
        if posicao < len(tokens):
            raise HistorinhaInvalida(f"a história já tinha acabado, e veio «{tokens[posicao]}»", posicao)
        return enredo, indices, {k: v[0] for k, v in valores.items()}, mencoes

    def _ler_trecho(self, enredo, frase, tokens, posicao, valores, fala, solto):
        """(None, posição, valores, menções) se a frase está ali; senão (onde parou, motivo)."""
        mencoes = []
        quebra = (Peca(texto="\n"),) if posicao and (frase.fala or fala) else ()
        for peca in quebra + frase.pecas:
            token = tokens[posicao] if posicao < len(tokens) else ""
            if solto:
                serve = token in self._possiveis(enredo, peca)
                if serve and peca.lacuna and not peca.lema:
                    mencoes.append((peca.lacuna, token))
                elif serve and peca.lema in enredo.lacunas:
                    cores = self.categorias[enredo.lacunas[peca.lema]]
                    mencoes.append((peca.lema, next(c.palavra for c in cores if token.lower() in c.formas)))
            else:
                serve = self._restringe(enredo, peca, token, valores)
            if not serve:
                return posicao, self._motivo(enredo, peca, token, valores), None, None
            posicao += 1
        return None, posicao, valores, mencoes

    def _restringe(self, enredo, peca, token, valores):
        """Guarda em `valores` só os valores que ainda explicam o token; falso se nenhum explica."""
        if peca.texto:
            return token == peca.texto
        pares = [(v, a) for v in self._candidatos(enredo, peca.lacuna, valores)
                 for a in (self._candidatos(enredo, peca.lema, valores) if peca.lema in enredo.lacunas else [None])
                 if self._palavra(peca, {peca.lacuna: v, peca.lema: a}) == token]
        if pares:
            valores[peca.lacuna] = list(dict.fromkeys(v for v, _ in pares))
            if peca.lema in enredo.lacunas:
                valores[peca.lema] = list(dict.fromkeys(a for _, a in pares))
        return bool(pares)

    def _candidatos(self, enredo, lacuna, valores):
        decididos = {k: v[0] for k, v in valores.items() if k != lacuna and len(v) == 1}
        livres = self._opcoes(enredo, lacuna, decididos)
        return [v for v in valores[lacuna] if v in livres] if lacuna in valores else livres

    def _motivo(self, enredo, peca, token, valores):
        if not token:
            return "a história acabou antes da hora"
        if peca.texto:
            return f"esperava «{self._mostra(peca.texto)}», veio «{self._mostra(token)}»"
        candidatos = self._candidatos(enredo, peca.lacuna, valores)
        da_categoria = {v.palavra: v for v in self.categorias[enredo.lacunas[peca.lacuna]]}
        if not peca.lema and token in da_categoria:
            if peca.lacuna in valores and len(candidatos) == 1:
                tipo = self.tipos[enredo.lacunas[peca.lacuna]]
                return f"{tipo} trocado: a história falava de «{candidatos[0].palavra}», veio «{token}»"
            if candidatos and da_categoria[token].indice not in {c.indice for c in candidatos}:
                return self._discorda(token, da_categoria[token].indice, candidatos[0].indice)
            return f"«{token}» já é outra personagem desta história"
        esperados = sorted({self._palavra(peca, {peca.lacuna: v, peca.lema: a}) for v in candidatos
                            for a in (self._candidatos(enredo, peca.lema, valores) if peca.lema in enredo.lacunas else [None])})
        for formas in self._formas_do_lema(enredo, peca) if peca.lema else []:
            formas = [self._maiuscula(f, peca) for f in formas]
            if token in formas and not set(formas).isdisjoint(esperados):
                return self._discorda(token, formas.index(token), candidatos[0].indice, candidatos[0].palavra)
        if peca.lema in ("no", "num", "do", "ao", "pelo") and token.lower() in ("em", "de", "a", "por"):
            return f"contração: em vez de «{token}» com artigo, esperava «{' ou '.join(esperados)}»"
        return f"esperava {' ou '.join(f'«{e}»' for e in esperados[:4])}, veio «{self._mostra(token)}»"

    @staticmethod
    def _mostra(token):
        return "quebra de linha" if token == "\n" else token

    @staticmethod
    def _discorda(token, veio, esperado, com=""):
        que = "gênero" if veio % 2 != esperado % 2 else "número"
        alvo = f"«{com}» é {PESSOAS[esperado]}" if com else f"o texto pedia {PESSOAS[esperado]}"
        return f"{que}: «{token}» é {PESSOAS[veio]}, e {alvo}"

    # -- dar nota ---------------------------------------------------------------------------------

    def concordancias(self, texto):
        """Confere as concordâncias só com o léxico, sem o leitor: lista de (posição, certo, porquê).

        Três regras: artigo e companhia concordam com o próximo substantivo; adjetivo, com o substantivo,
        nome ou pronome anterior mais próximo; ele/ela e menino/menina, com o nome anterior mais próximo.
        `certo` é True, False, ou None quando não há com quem comparar.
        """
        tokens = WordTokenizer.split(texto) if isinstance(texto, str) else texto
        palavras = [t if t in self.regra else t.lower() for t in tokens]
        regras = [self.regra.get(p, "") for p in palavras]
        nominal = [r in ("nome", "substantivo", "pessoa") for r in regras]
        nomes = [i for i, r in enumerate(regras) if r == "nome"]
        saida = []
        for i, regra in enumerate(regras):
            if regra == "antes":
                j = next((j for j in range(i + 1, len(tokens)) if regras[j] not in ("antes", "depois")), None)
                alvo = j if j is not None and nominal[j] else None
            elif regra == "depois":
                alvo = next((j for j in range(i - 1, -1, -1) if nominal[j]), None)
            elif regra == "pessoa":
                alvo = next((j for j in reversed(nomes) if j < i), nomes[0] if nomes else None)
            else:
                continue
            if alvo is None:
                saida.append((i, None, "não há com quem concordar"))
                continue
            certo = bool(self.indices[palavras[i]] & self.indices[palavras[alvo]])
            saida.append((i, certo, f"«{tokens[i]}» {'concorda' if certo else 'não concorda'} com «{tokens[alvo]}»"))
        return saida

    def boletim(self, textos, treino=None):
        """A nota de uma pilha de textos, deriváveis ou não; `treino` (textos ou historinhas) mede a novidade."""
        textos = list(textos)
        if not textos:
            raise ValueError("recebi uma lista vazia; passe ao menos um texto.")
        decorados = {getattr(h, "texto", h) for h in treino or ()}
        certas = Counter()
        total = Counter(derivável=len(textos), novidade=len(textos))
        sem_juizo = Counter()
        for texto in textos:
            tokens = WordTokenizer.split(texto)
            certas["novidade"] += texto not in decorados
            try:
                self._ler(tokens, solto=False)
                certas["derivável"] += 1
            except HistorinhaInvalida:
                pass
            for _, certo, _ in self.concordancias(tokens):
                total["concordância"] += 1
                certas["concordância"] += certo is True
                sem_juizo["concordância"] += certo is None
            self._conta_mantidos(tokens, certas, total, sem_juizo)
        if treino is None:
            del total["novidade"]
        return Boletim(len(textos), {k: certas[k] / n for k, n in total.items()},
                       {k: sem_juizo[k] / n for k, n in total.items()}, dict(total))

    def _conta_mantidos(self, tokens, certas, total, sem_juizo):
        """Lembrou o nome, o objeto, o lugar? Lê com as lacunas soltas e compara as menções entre si."""
        try:
            enredo, _, _, mencoes = self._ler(tokens, solto=True)
        except HistorinhaInvalida:
            for tipo in set(self.tipos.values()):
                total[f"{tipo} mantido"] += 1
                sem_juizo[f"{tipo} mantido"] += 1
            return
        por_tipo = {}
        for lacuna, palavra in mencoes:
            por_tipo.setdefault(self.tipos[enredo.lacunas[lacuna]], {}).setdefault(lacuna, []).append(palavra)
        for tipo, lacunas in por_tipo.items():
            if any(len(ditas) > 1 for ditas in lacunas.values()):
                distintas = [set(ditas) for ditas in lacunas.values()]
                total[f"{tipo} mantido"] += 1
                certas[f"{tipo} mantido"] += all(len(d) == 1 for d in distintas)


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
        for nome in sorted(self.notas, key=lambda n: (n.endswith("mantido"), n)):
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

    exemplos = [[tokenizer.fim, *tokenizer.encode(h.texto), tokenizer.fim] for h in historinhas]
    tokens = sum(len(e) - 1 for e in exemplos)
    return evaluate(model, exemplos) + sum(h.log_prob for h in historinhas) / tokens
