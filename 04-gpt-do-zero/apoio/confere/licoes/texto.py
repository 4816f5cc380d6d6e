"""Texto e ids: o tokenizador, o bigrama e a perda."""

import contextlib
import math
import re
import unicodedata
from collections import Counter

from apoio.confere.corretor import (
    Falha,
    _imitaveis,
    chamar,
    cru,
    descrever,
    diga,
    e_um,
    exercicio,
    exigir,
    mostrar,
    nome_do_tipo,
    pt,
    uma_sequencia,
)

# -- o que as respostas simples devolvem, e o nome do erro ----------------------------------------------------

def _texto_de_chave(chave):
    """Uma palavra, ou uma tupla de palavras, como textos simples; None, se é outra coisa."""
    if e_um(chave, str):
        return str.__str__(chave)
    itens = uma_sequencia(chave)
    return tuple(map(str.__str__, itens)) if itens and len(itens) < 10 and all(e_um(item, str) for item in itens) else None


def _numero(valor):
    n = cru(valor)
    return n if type(n) is float or type(n) is int and n.bit_length() < 200 else None


def _contagens(veio, nao_e_dicionario, dentro):
    """{palavra ou par: {palavra: vezes}}, sem zeros; `nao_e_dicionario` e `dentro` são as falhas do que é outra coisa."""
    if not e_um(veio, dict):
        raise diga(nao_e_dicionario, veio=descrever(veio))
    lidas = {}
    for chave, seguintes in dict.items(veio):
        if (de := _texto_de_chave(chave)) is None or not e_um(seguintes, dict):
            raise diga(dentro, chave=mostrar(chave), veio=mostrar(seguintes))
        pares = [(_texto_de_chave(seguinte), _numero(vezes)) for seguinte, vezes in dict.items(seguintes)]
        if any(None in par for par in pares):
            raise diga(dentro, chave=mostrar(chave), veio=mostrar(seguintes))
        if seguintes := {seguinte: vezes for seguinte, vezes in pares if vezes}:
            lidas[de] = seguintes
    return lidas


def _perto(a, b):
    if type(a) is dict and type(b) is dict:
        return a.keys() == b.keys() and all(_perto(a[chave], b[chave]) for chave in a)
    if type(a) is list and type(b) is list:
        return len(a) == len(b) and all(map(_perto, a, b))
    return type(a) in (int, float) and type(b) in (int, float) and math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)


def _de_novo(valor):
    """Uma cópia até o fundo: o que a resposta fizer com ela não chega aos casos."""
    return [*map(_de_novo, valor)] if type(valor) is list else Counter(valor) if type(valor) is Counter else valor


def _responder(resposta, casos, ler, mudou="geral.entrada_mudada"):
    lidas = []
    for caso in casos:
        entregue = [*map(_de_novo, caso)]
        lidas.append(ler(chamar(resposta, *entregue)))
        if entregue != [*caso]:
            raise diga(mudou)
    return lidas


def _certas(exercicio, lidas, casos, conta):
    """As respostas são as da conta certa? Se são as da conta de um erro, a falha com o nome dele."""
    def da(ajuste):
        return all(_perto(lida, conta(*caso, **ajuste)) for lida, caso in zip(lidas, casos, strict=True))

    if da({}):
        return True
    for nome, ajuste in _imitaveis(exercicio):
        if da(ajuste):
            raise diga(nome)
    return False


def _primeira_diferenca(lidas, casos, conta):
    """(chave, o que veio, o certo) da primeira contagem que difere."""
    for lida, caso in zip(lidas, casos, strict=True):
        certa = conta(*caso)
        for chave in [*certa, *lida]:
            if not _perto(lida.get(chave), certa.get(chave)):
                return mostrar(chave), mostrar(lida.get(chave, {})), mostrar(certa.get(chave, {}))


# -- codificar ------------------------------------------------------------------------------------------------

def _codificar(tokens, vocabulario, comeco=0, lista="a que veio", fila=False, unicos=False, ordena=False):
    lista = {"ordenada": sorted(vocabulario), "sem fim": [t for t in vocabulario if t != "<fim>"],
             "da frase": ["<fim>", *sorted(set(tokens))]}.get(lista, vocabulario)
    ids = [lista.index(token) + comeco for token in (dict.fromkeys(tokens) if unicos else tokens)]
    ids = [*range(len(ids))] if fila else ids
    return sorted(ids) if ordena else ids


_VOCABULARIO = ["<fim>", "!", ",", ".", "A", "Ana", "azul", "bola", "pipa", "tinha", "uma", "voou"]
_CODIFICAR = [(["Ana", "tinha", "uma", "pipa", ".", "A", "pipa", "voou", "!"], _VOCABULARIO), (["bola", "azul", ",", "bola", "voou", "."], _VOCABULARIO),
              (["pipa", "a", "voou", "pipa"], ["<fim>", "voou", "a", "sol", "pipa"])]


@exercicio(r"""
onde = "Lição 00, «Etapa 2: vocabulário e ids»."

[nao_sao_ids]
dica = "Devolveu {veio}; esperava uma lista de inteiros, um id por token."
pergunta = "O que o seu dicionário guarda em cada chave: a palavra ou o lugar dela?"
erro = "A lista de saída tem um número no lugar de cada token."

[comeca_em_um]
imita = {comeco = 1}
dica = "Cada id saiu uma unidade maior: o primeiro lugar do vocabulário é o 0."
pergunta = "Que id tem `<fim>`, o primeiro do vocabulário?"
erro = "Em Python a contagem começa em 0, e `vocabulario[0]` é `<fim>`; começando em 1, `vocabulario[id]` daria o token seguinte."

[sem_fim]
imita = {lista = "sem fim"}
dica = "Cada id saiu uma unidade menor: `<fim>` também ocupa um lugar, o 0."
pergunta = "Em que lugar do vocabulário está o segundo token da lista?"
erro = "O vocabulário se usa inteiro: quem tira `<fim>` antes de numerar empurra todos os outros."

[refez_o_vocabulario]
imita = {lista = "ordenada"}
dica = "O vocabulário foi posto noutra ordem: o id é o lugar na lista que veio."
pergunta = "Onde o seu código usa `sorted`? Para onde vai `<fim>`?"
erro = "O vocabulário já vem pronto. Reordená-lo põe `<fim>` depois dos sinais, e os ids mudam."

[vocabulario_da_frase]
imita = {lista = "da frase"}
dica = "Os ids são de um vocabulário feito só desta frase; use o que veio no segundo argumento."
pergunta = "Duas frases diferentes dariam o mesmo id a «pipa»?"
erro = "O vocabulário é um só para todos os textos: sem isso, o mesmo id seria uma palavra em cada frase."

[lugar_na_frase]
imita = {fila = true}
dica = "Saíram os lugares na frase (0, 1, 2…); o id é o lugar no vocabulário."
pergunta = "«pipa» aparece duas vezes: os dois ids deviam ser iguais?"
erro = "O `enumerate` anda pelo vocabulário, e não pela frase."

[sem_repeticao]
imita = {unicos = true}
dica = "Um token repetido só apareceu uma vez: sai um id para cada token da frase."
pergunta = "Quantos tokens entraram e quantos ids saíram?"
erro = "Um `set`, ou as chaves de um dicionário, perdem as repetições, e a frase de volta ficaria sem elas."

[em_ordem]
imita = {ordena = true}
dica = "Os ids saíram em ordem crescente, e não na ordem da frase."
pergunta = "Que palavra vem primeiro na frase?"
erro = "A ordem das palavras é a ordem dos ids: só o vocabulário fica em ordem."

[outros]
dica = "Para {tokens} os ids vieram {veio}, e esperava {certo}."
pergunta = "Que lugar tem o primeiro token no vocabulário, contando do zero?"
erro = "O vocabulário era {vocabulario}."
""")
def codificar(resposta):
    """`f(tokens, vocabulario) -> ids`: o lugar de cada token no vocabulário, contando do zero."""
    exigir(resposta)

    def ler(veio):
        ids = uma_sequencia(veio)
        if ids is None or not all(type(cru(n)) is int for n in ids):
            raise diga("codificar.nao_sao_ids", veio=f"uma lista de {nome_do_tipo(ids[0])}" if ids else descrever(veio))
        return [*map(cru, ids)]

    lidas = _responder(resposta, _CODIFICAR, ler)
    if not _certas("codificar", lidas, _CODIFICAR, _codificar):
        (tokens, vocabulario), veio = next((c, v) for c, v in zip(_CODIFICAR, lidas, strict=True) if v != _codificar(*c))
        raise diga("codificar.outros", tokens=mostrar(tokens), veio=mostrar(veio), certo=mostrar(_codificar(tokens, vocabulario)),
                   vocabulario=mostrar(vocabulario))
    return f"{len(_CODIFICAR)} frases, cada token com o seu id, contando do zero."


# -- tokenizador ----------------------------------------------------------------------------------------------

_TEXTOS = ["Ana tinha uma pipa azul.", "A pipa voou, e Ana riu!", "Davi viu um beija-flor na feira.\nO beija-flor fugiu.",
           "Até o avô viu, é azul."]
_NOVOS = ["Davi viu uma pipa.", "Davi viu uma pipa na feira, e Ana viu uma pipa azul.", "Davi viu uma pipa.\nAna riu!"]      # palavras conhecidas
_ESTRANHOS = ["Davi viu um zigurate.", "Davi viu ☃.", "zigurate", "☃", "Zigurate viu um avô.", "☃ viu um avô.", "Ana riu ☃", "Davi ☃ viu ☃ um avô.",
              "Ana riu?", "ANA riu!", "Davi viu uma pip."]


@exercicio(r"""
onde = "Lição 00, «Etapa 3: a volta»."

[falta_metodo]
dica = "A classe não tem `{nome}`: esperava `encode(texto)` e `decode(ids)`."

[nao_sao_ids]
dica = "`encode` devolveu {veio}; esperava uma lista de inteiros, os ids."
pergunta = "O que o dicionário devolve para cada token?"
erro = "Os ids é que escolhem linhas na tabela de vetores; um tensor vira lista com `.tolist()`."

[nao_e_texto]
dica = "`decode` devolveu {veio}; esperava um texto (str)."
pergunta = "Como uma lista de palavras vira uma frase?"
erro = "Falta juntar os tokens."

[volta]
dica = "A ida e volta não dá o mesmo texto: {mudanca}. Foi {foi}, voltou {voltou}."
pergunta = "{pergunta}"
erro = "`decode(encode(texto))` tem de devolver o texto igual, caractere por caractere."

[recusou_conhecida]
dica = "`encode` não aceitou «{texto}», e todas as palavras dele estavam nos textos do construtor. A pontuação está colada à palavra?"
pergunta = "Para o seu corte, «pipa» e «pipa.» têm o mesmo token `pipa`?"
erro = "{parou}"
onde = "Lição 00, «Etapa 1: cortar»."

[um_estraga_outro]
dica = "Criar um segundo tokenizador estragou o primeiro."
pergunta = "De quem é o vocabulário: da classe ou do objeto?"
erro = "Um dicionário criado fora do `__init__` é um só para todos."
onde = "Guarde o vocabulário em `self`, no `__init__`."

[de_memoria]
dica = "`decode` devolveu «{texto}» só da primeira vez: depois de outros textos, ou noutro tokenizador feito dos mesmos, os mesmos ids dão outra coisa."
pergunta = "De onde `decode` tira o texto: dos ids ou de algo que `encode` guardou?"
erro = "Os ids bastam: cada um escolhe um token do vocabulário, que só depende dos textos do construtor."

[desconhecida]
dica = "Uma palavra desconhecida passou em silêncio: de «{foi}», `encode` fez {ids}. Ele tem de levantar um erro."
pergunta = "O que o seu código faz com um token que não está no vocabulário?"
erro = "Descartar ou trocar por outro token muda o texto sem avisar."
onde = "Lição 00, «Palavra desconhecida»."

[calado]
dica = "Diante de uma palavra desconhecida, «{foi}», `encode` não levantou um erro: devolveu outra coisa, ou só avisou."
pergunta = "O que acontece com o programa de quem chamou, se `encode` só imprime um aviso?"
erro = "Quem chamou segue como se nada fosse. `raise ValueError(…)` para tudo e diz por quê; o `KeyError` do dicionário também serve."
onde = "Lição 00, «Palavra desconhecida»."
""")
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


# -- contar ---------------------------------------------------------------------------------------------------

def _filas(historias, inicio, fim, atravessa, ultima):
    filas = [["<fim>"] * inicio + historia + ["<fim>"] * fim for historia in historias]
    filas = [[token for fila in filas for token in fila]] if atravessa else filas
    return filas[-1:] if ultima else filas


def _contar(historias, inicio=1, fim=1, atravessa=False, ultima=False, salto=1, invertido=False, presenca=False):
    depois = {}
    for fila in _filas(historias, inicio, fim, atravessa, ultima):
        for a, b in zip(fila, fila[salto:]):
            a, b = (b, a) if invertido else (a, b)
            seguintes = depois.setdefault(a, {})
            seguintes[b] = 1 if presenca else seguintes.get(b, 0) + 1
    return depois


_CONTAR = [([["A", "pipa", "voou", "."], ["A", "pipa", "caiu", "."], ["Ana", "viu", "a", "pipa", "."]],), ([["sol", "sol", "sol"]],),
           ([["a", "b"], ["c", "d"], ["a", "b", "a", "b"]],)]


@exercicio(r"""
onde = "Lição 00, «Pares de vizinhas»."

[nao_e_dicionario]
dica = "Devolveu {veio}; esperava um dicionário: para cada token, o que veio depois dele e quantas vezes."
pergunta = "O que está depois do `return`?"
erro = "O dicionário de fora nasce vazio, `depois = {{}}`, antes do laço, e é ele que se devolve."

[dentro]
dica = "Na chave {chave} veio {veio}; esperava, para cada token, outro dicionário: `{{\"voou\": 1, \"caiu\": 1}}`."
pergunta = "Que perguntas o dicionário tem de responder: «quantas vezes o par apareceu?» ou «o que veio depois desta palavra, e quantas vezes?»"
erro = "São dois andares: `depois[atual]` é um dicionário, e `depois[atual][proxima]`, uma contagem."

[mudou]
dica = "O seu código mudou as próprias histórias: quem as usar depois vai achar `<fim>` a mais."
pergunta = "Que linha escreve dentro da lista que veio?"
erro = "`append` e `insert` mudam a lista de quem chamou; `[\"<fim>\"] + tokens + [\"<fim>\"]` faz outra."

[sem_inicio]
imita = [{inicio = 0}, {inicio = 0, atravessa = true}]
dica = "Falta o par que sai do `<fim>`: com que palavra uma história começa?"
pergunta = "Que par tem a primeira palavra de uma história como segunda?"
erro = "Cada história é lida entre dois `<fim>`: sem o da frente, o modelo não saberia começar."

[sem_fim]
imita = [{fim = 0}, {fim = 0, atravessa = true}]
dica = "Falta o par que chega ao `<fim>`: depois de que palavra uma história acaba?"
pergunta = "O seu laço chega ao último par? A história traz o `<fim>` de trás?"
erro = "Sem o `<fim>` de trás, ou sem o último par, o modelo nunca saberia parar."

[sem_fim_nenhum]
imita = {inicio = 0, fim = 0}
dica = "Faltam os dois `<fim>`: cada história é lida entre um e outro."
pergunta = "Com que palavra uma história começa, e depois de qual ela acaba?"
erro = "Conte os pares de `[\"<fim>\"] + tokens + [\"<fim>\"]`."

[atravessa]
imita = [{inicio = 0, fim = 0, atravessa = true}, {atravessa = true}]
dica = "Um par atravessou de uma história para outra: a última de uma não é vizinha da primeira da seguinte."
pergunta = "Há um laço por história, ou todas foram emendadas antes de contar?"
erro = "São dois laços, um dentro do outro: o de fora anda pelas histórias; o de dentro, pelos pares de uma só."

[invertido]
imita = {invertido = true}
dica = "Os pares estão ao contrário: a chave de fora é a palavra que vem antes."
pergunta = "Depois de «pipa» veio «voou»: qual das duas é a chave?"
erro = "`depois[atual][proxima]`: o modelo conhece a atual e quer a próxima."

[presenca]
imita = {presenca = true}
dica = "Toda contagem é 1: o par que se repete tem de somar."
pergunta = "O que a sua linha faz quando o par já está no dicionário?"
erro = "`= 1` escreve por cima; `+= 1` soma ao que havia."

[so_a_ultima]
imita = {ultima = true}
dica = "Só a última história foi contada."
pergunta = "Em que linha `depois` é criado: antes do laço ou dentro dele?"
erro = "Criado dentro do laço, o dicionário recomeça vazio a cada história."

[consigo]
imita = {salto = 0}
dica = "Cada token saiu como vizinho de si mesmo."
pergunta = "O que faltou na segunda lista do `zip`?"
erro = "`zip(tokens, tokens[1:])` junta cada token com o seguinte; `zip(tokens, tokens)`, com ele mesmo."

[pulo]
imita = {salto = 2}
dica = "Os pares pulam uma palavra: o vizinho é o token logo depois."
pergunta = "Quantos tokens há entre os dois do seu par?"
erro = "O vizinho do token no lugar `i` está no lugar `i + 1`, e `tokens[1:]` começa nele."

[outras]
dica = "Depois de {chave}, esperava {certo}, e veio {veio}."
pergunta = "Que pares a primeira história tem, contados a lápis?"
erro = "As histórias eram {historias}."
""")
def contar(resposta):
    """`f(historias) -> {token: {seguinte: vezes}}`; cada história é uma lista de tokens, e se lê entre dois `<fim>`."""
    exigir(resposta)
    lidas = _responder(resposta, _CONTAR, lambda veio: _contagens(veio, "contar.nao_e_dicionario", "contar.dentro"), "contar.mudou")
    if not _certas("contar", lidas, _CONTAR, _contar):
        chave, veio, certo = _primeira_diferenca(lidas, _CONTAR, _contar)
        raise diga("contar.outras", chave=chave, veio=veio, certo=certo, historias=mostrar(_CONTAR[0][0]))
    return "Os pares de cada história, do `<fim>` da frente ao de trás, e nenhum entre uma e outra."


# -- chance_do_par --------------------------------------------------------------------------------------------

def _chance_do_par(contagem, proxima, V, pitada=0.01, em_cima=True, embaixo="V", divide="total", so_zero=False, vezes=1):
    n, total = contagem.get(proxima, 0), sum(contagem.values()) if divide == "total" else len(contagem)
    extra = {"V": pitada * V, "nada": 0, "uma": pitada, "V inteiro": V, "vistas": pitada * len(contagem)}[embaixo]
    return vezes * ((n or pitada) if so_zero else n + pitada * em_cima) / (total + extra)


_CHANCE_DO_PAR = [(Counter({"pipa": 6, "bola": 3, "gaita": 1}), "pipa", 422), (Counter({"pipa": 6, "bola": 3, "gaita": 1}), "lua", 422),
                  (Counter({"sol": 2}), "sol", 50), (Counter({"a": 4, "b": 4, "c": 1, "d": 1}), "c", 9)]


@exercicio(r"""
onde = "Lição 00, «O par que nunca apareceu»."

[nao_e_numero]
dica = "Devolveu {veio}; esperava um número, a chance."
pergunta = "O que está depois do `return`?"
erro = "É uma divisão só: o que se contou para `proxima`, sobre tudo o que se contou."

[sem_pitada]
imita = {pitada = 0}
dica = "Faltou somar a pitada: o par nunca visto ficou com chance zero."
pergunta = "Quanto vale `-math.log(0)`?"
erro = "Com 0,01 a mais em cada palavra, nenhuma chance é zero."

[pitada_so_em_cima]
imita = {embaixo = "nada"}
dica = "A pitada entrou em cima e não embaixo: as chances de todas as palavras somariam mais que 1."
pergunta = "Se cada uma das V palavras ganha 0,01, quanto cresce o total?"
erro = "O total cresce de 0,01 por palavra do vocabulário: `0.01 * V`."

[pitada_uma_vez]
imita = {embaixo = "uma"}
dica = "Embaixo entrou uma pitada só; são V, uma para cada palavra do vocabulário."
pergunta = "Quantas palavras ganharam 0,01?"
erro = "Somadas as V palavras, a chance tem de dar 1: o total é `sum(…) + 0.01 * V`."

[v_inteiro]
imita = {embaixo = "V inteiro"}
dica = "Embaixo entrou V inteiro, e a pitada é de 0,01 por palavra: 0,01 · V."
pergunta = "Quanto cada palavra ganhou em cima?"
erro = "O que se soma embaixo é a soma do que se somou em cima, palavra por palavra."

[soma_um]
imita = {pitada = 1}
dica = "A pitada foi de 1, e o enunciado pede 0,01."
pergunta = "Com 422 palavras, quanto pesa somar 1 a cada uma?"
erro = "Somar 1 é inventar 422 pares que ninguém viu, para cada palavra."

[so_as_vistas]
imita = {embaixo = "vistas"}
dica = "Embaixo entrou 0,01 só para as palavras que apareceram; as nunca vistas também ganharam."
pergunta = "`len(contagem)` conta que palavras?"
erro = "`V` é o tamanho do vocabulário inteiro; `len(contagem)`, quantas palavras diferentes vieram depois desta."

[pelas_diferentes]
imita = {divide = "diferentes"}
dica = "Dividiu por quantas palavras diferentes há, e não por quantas vezes elas vieram ao todo."
pergunta = "Se «pipa» veio 6 vezes e «bola» 3, quantas vezes foram?"
erro = "O total é a soma das contagens, `sum(contagem.values())`."

[pitada_so_embaixo]
imita = {em_cima = false}
dica = "A pitada entrou embaixo e não em cima: o par nunca visto ainda tem chance zero."
pergunta = "Quanto vale a conta para uma palavra que não está em `contagem`?"
erro = "Em cima vai `contagem[proxima] + 0.01`."

[so_na_nunca_vista]
imita = {so_zero = true}
dica = "A pitada só entrou nas palavras nunca vistas; entra em todas, as vistas também."
pergunta = "Que chance o seu código dá a uma palavra que veio 6 vezes?"
erro = "Sem `if`: toda palavra ganha 0,01, e a conta é uma só."

[porcento]
imita = {vezes = 100}
dica = "Saiu em porcentagem; a chance vai de 0 a 1."
pergunta = "Que chance tem o que é certo?"
erro = "O logaritmo da surpresa quer a chance de 0 a 1."

[outra]
dica = "Com a contagem {contagem}, `proxima` = «{proxima}» e V = {V}, a chance veio {veio}, e esperava {certo}."
pergunta = "Quanto é o de cima e quanto é o de baixo, a lápis?"
erro = "Em cima, {em_cima}; embaixo, {embaixo}."
""")
def chance_do_par(resposta):
    """`f(contagem, proxima, V) -> chance`: (contagem + 0,01) sobre (total + 0,01 · V)."""
    exigir(resposta)

    def ler(veio):
        if (n := _numero(veio)) is None:
            raise diga("chance_do_par.nao_e_numero", veio=descrever(veio))
        return n

    lidas = _responder(resposta, _CHANCE_DO_PAR, ler)
    if not _certas("chance_do_par", lidas, _CHANCE_DO_PAR, _chance_do_par):
        caso, veio = next((c, v) for c, v in zip(_CHANCE_DO_PAR, lidas, strict=True) if not _perto(v, _chance_do_par(*c)))
        contagem, proxima, V = caso
        raise diga("chance_do_par.outra", contagem=mostrar(dict(contagem)), proxima=proxima, V=V, veio=pt(veio), certo=pt(_chance_do_par(*caso)),
                   em_cima=pt(contagem[proxima] + 0.01), embaixo=pt(sum(contagem.values()) + 0.01 * V))
    return "O par visto e o nunca visto, os dois com chance maior que zero."


# -- perda_media ----------------------------------------------------------------------------------------------

def _perda_media(historias, conta="surpresa", base=math.e, divide="tokens"):
    todas = [chance for historia in historias for chance in historia]
    if conta == "média antes":
        return -math.log(sum(todas) / len(todas))
    uma = {"surpresa": lambda p: -math.log(p) / math.log(base), "sem menos": math.log, "erro": lambda p: 1 - p}[conta]
    if divide == "médias":
        return sum(sum(map(uma, historia)) / len(historia) for historia in historias) / len(historias)
    return sum(map(uma, todas)) / {"tokens": len(todas), "nada": 1, "histórias": len(historias), "tokens menos um": len(todas) - 1}[divide]


_PERDA_MEDIA = [([[0.5, 0.1, 1.0], [0.25]],), ([[0.9, 0.8], [0.05, 0.5, 0.5]],), ([[1 / 422, 1 / 2], [0.3], [0.7, 0.7, 0.2]],)]


@exercicio(r"""
onde = "Lição 00, «A média, na validação»."

[nao_e_numero]
dica = "Devolveu {veio}; esperava um número, a perda média."
pergunta = "O que está depois do `return`?"
erro = "São muitas surpresas, e a perda é a média delas: um número só."

[log_da_media]
imita = {conta = "média antes"}
dica = "O logaritmo veio depois da média: primeiro a surpresa de cada palavra, depois a média das surpresas."
pergunta = "Com chances 1 e 0,01, quanto é cada surpresa? E a média delas?"
erro = "A média das chances esconde o erro grave: com 1 e 0,01 ela é 0,505, surpresa 0,68; as surpresas são 0 e 4,61, média 2,30."

[sem_menos]
imita = {conta = "sem menos"}
dica = "Faltou o menos: o logaritmo de uma chance é negativo, e a surpresa é o contrário dele."
pergunta = "Que sinal tem `math.log(0.5)`?"
erro = "A surpresa é `-math.log(chance)`: zero quando a chance é 1, e tanto maior quanto menor a chance."

[base_2]
imita = {base = 2}
dica = "O logaritmo é o de base 2, e o curso conta em nats: `math.log`, de base e."
pergunta = "Que valor dá a chance 1/2: 1 ou 0,69?"
erro = "`math.log2` conta em bits; em nats, ln 2 ≈ 0,693."

[base_10]
imita = {base = 10}
dica = "O logaritmo é o de base 10, e o curso conta em nats: `math.log`, de base e."
pergunta = "Que valor dá a chance 1/10: 1 ou 2,30?"
erro = "`math.log10` é outra régua; em nats, ln 10 ≈ 2,303."

[soma]
imita = {divide = "nada"}
dica = "Saiu a soma das surpresas; falta dividir por quantas são."
pergunta = "Uma história mais longa tem soma maior: ela é mais difícil?"
erro = "A média divide pelo número de palavras previstas."

[por_historias]
imita = {divide = "histórias"}
dica = "Dividiu pelo número de histórias; a perda é por palavra prevista."
pergunta = "Quantas chances há ao todo, somadas as histórias?"
erro = "`len(historias)` conta histórias; o que se divide é por quantas surpresas se somaram."

[media_das_medias]
imita = {divide = "médias"}
dica = "Saiu a média das médias: cada palavra tem o mesmo peso, seja de uma história curta ou longa."
pergunta = "Uma história de 1 palavra pesa tanto quanto uma de 3?"
erro = "Junte as surpresas de todas as histórias e divida uma vez só."

[um_a_menos]
imita = {divide = "tokens menos um"}
dica = "Dividiu por uma a menos do que as surpresas somadas."
pergunta = "Quantos números você somou, e por quanto dividiu?"
erro = "Cada chance já é de uma palavra prevista: não sobra nenhuma."

[um_menos_a_chance]
imita = {conta = "erro"}
dica = "Usou 1 − chance; a surpresa é `-math.log(chance)`."
pergunta = "Quanto custa dar chance 1/422 ao que veio: 0,998 ou 6,05?"
erro = "Com 1 − chance, errar por muito ou por muitíssimo custaria quase o mesmo."

[outra]
dica = "Com as chances {chances} a perda veio {veio}, e esperava {certo}."
pergunta = "Quanto é a surpresa de cada uma, a lápis?"
erro = "As surpresas são {surpresas}."
""")
def perda_media(resposta):
    """`f(historias) -> perda`: a média de −ln(chance) por palavra; cada história é a lista das chances dadas ao que veio."""
    exigir(resposta)

    def ler(veio):
        if (n := _numero(veio)) is None:
            raise diga("perda_media.nao_e_numero", veio=descrever(veio))
        return n

    lidas = _responder(resposta, _PERDA_MEDIA, ler)
    if not _certas("perda_media", lidas, _PERDA_MEDIA, _perda_media):
        (chances,), veio = next((c, v) for c, v in zip(_PERDA_MEDIA, lidas, strict=True) if not _perto(v, _perda_media(*c)))
        raise diga("perda_media.outra", chances=mostrar(chances), veio=pt(veio), certo=pt(_perda_media(chances)),
                   surpresas=", ".join(pt(-math.log(chance)) for historia in chances for chance in historia))
    return "A média das surpresas, em nats por palavra."


# -- contar_trios ---------------------------------------------------------------------------------------------

def _contar_trios(historias, inicio=2, fim=1, atravessa=False, ultima=False, chave="ab", presenca=False):
    depois = {}
    for fila in _filas(historias, inicio, fim, atravessa, ultima):
        for a, b, c in zip(fila, fila[1:], fila[2:]):
            par, seguinte = {"ab": ((a, b), c), "ba": ((b, a), c), "ac": ((a, c), b), "bc": ((b, c), a)}[chave]
            seguintes = depois.setdefault(par, {})
            seguintes[seguinte] = 1 if presenca else seguintes.get(seguinte, 0) + 1
    return depois


@exercicio(r"""
onde = "Lição 00, «Pares de vizinhas»."

[nao_e_dicionario]
dica = "Devolveu {veio}; esperava um dicionário: para cada par de tokens, o que veio depois dele e quantas vezes."
pergunta = "O que está depois do `return`?"
erro = "O dicionário de fora nasce vazio, `depois = {{}}`, antes do laço, e é ele que se devolve."

[dentro]
dica = "Na chave {chave} veio {veio}; esperava, para cada par, um dicionário de contagens: `{{\"voou\": 1, \"caiu\": 1}}`."
pergunta = "O que muda do bigrama para o trigrama: a chave ou o que ela guarda?"
erro = "Só a chave muda: em vez de `atual`, a tupla `(antes, atual)`."

[chave_solta]
dica = "A chave {chave} não é um par: esperava uma tupla de dois tokens, como `(\"A\", \"pipa\")`."
pergunta = "Quantas palavras o trigrama olha antes de prever?"
erro = "Uma tupla serve de chave: `depois[(antes, atual)]`. Dois textos colados numa chave só confundiriam pares diferentes."

[mudou]
dica = "O seu código mudou as próprias histórias: quem as usar depois vai achar `<fim>` a mais."
pergunta = "Que linha escreve dentro da lista que veio?"
erro = "`append` e `insert` mudam a lista de quem chamou; `[\"<fim>\", \"<fim>\"] + tokens + [\"<fim>\"]` faz outra."

[um_fim_so]
imita = {inicio = 1}
dica = "Na frente de cada história vão dois `<fim>`: com um só, ninguém prevê a primeira palavra."
pergunta = "Que par vem antes da primeira palavra?"
erro = "Antes da primeira palavra o par é `(\"<fim>\", \"<fim>\")`."

[sem_inicio]
imita = {inicio = 0}
dica = "Faltam os dois `<fim>` da frente: ninguém prevê as duas primeiras palavras."
pergunta = "Que par vem antes da primeira palavra? E antes da segunda?"
erro = "São `(\"<fim>\", \"<fim>\")` e `(\"<fim>\", primeira)`."

[sem_fim]
imita = {fim = 0}
dica = "Falta o trio que chega ao `<fim>`: sem ele, o modelo não sabe parar."
pergunta = "O que vem depois do último par de palavras da história?"
erro = "Atrás de cada história vai um `<fim>`."

[dois_no_fim]
imita = {fim = 2}
dica = "Há um `<fim>` a mais atrás: a história acaba no primeiro."
pergunta = "O que o modelo escreveria depois do `<fim>`?"
erro = "Na frente vão dois, porque a primeira palavra precisa de um par; atrás, um só."

[atravessa]
imita = [{atravessa = true}, {atravessa = true, inicio = 0}, {atravessa = true, inicio = 1}, {atravessa = true, inicio = 0, fim = 0}]
dica = "Um trio atravessou de uma história para outra."
pergunta = "Há um laço por história, ou todas foram emendadas antes de contar?"
erro = "O laço de fora anda pelas histórias; o de dentro, pelos trios de uma só."

[chave_invertida]
imita = {chave = "ba"}
dica = "O par da chave está ao contrário: primeiro a palavra mais antiga."
pergunta = "Em «A pipa voou», que par vem antes de «voou»?"
erro = "É `(\"A\", \"pipa\")`, na ordem em que se lê."

[pulou_a_do_meio]
imita = {chave = "ac"}
dica = "A chave tem a primeira e a terceira do trio, e prevê a do meio; é para prever a terceira."
pergunta = "Das três palavras, quais o modelo já conhece?"
erro = "Ele conhece as duas primeiras: `depois[(a, b)][c]`."

[de_tras_para_frente]
imita = {chave = "bc"}
dica = "A chave tem as duas últimas do trio, e prevê a primeira; é para prever a última."
pergunta = "Das três palavras, quais o modelo já conhece?"
erro = "Ele conhece as duas primeiras: `depois[(a, b)][c]`."

[presenca]
imita = {presenca = true}
dica = "Toda contagem é 1: o trio que se repete tem de somar."
pergunta = "O que a sua linha faz quando o trio já está no dicionário?"
erro = "`= 1` escreve por cima; `+= 1` soma ao que havia."

[so_a_ultima]
imita = {ultima = true}
dica = "Só a última história foi contada."
pergunta = "Em que linha `depois` é criado: antes do laço ou dentro dele?"
erro = "Criado dentro do laço, o dicionário recomeça vazio a cada história."

[outras]
dica = "Depois de {chave}, esperava {certo}, e veio {veio}."
pergunta = "Que trios a primeira história tem, contados a lápis?"
erro = "As histórias eram {historias}."
""")
def contar_trios(resposta):
    """`f(historias) -> {(antes, atual): {seguinte: vezes}}`; cada história leva dois `<fim>` na frente e um atrás."""
    exigir(resposta)

    def ler(veio):
        lidas = _contagens(veio, "contar_trios.nao_e_dicionario", "contar_trios.dentro")
        if soltas := [chave for chave in lidas if type(chave) is str or len(chave) != 2]:
            raise diga("contar_trios.chave_solta", chave=mostrar(soltas[0]))
        return lidas

    lidas = _responder(resposta, _CONTAR, ler, "contar_trios.mudou")
    if not _certas("contar_trios", lidas, _CONTAR, _contar_trios):
        chave, veio, certo = _primeira_diferenca(lidas, _CONTAR, _contar_trios)
        raise diga("contar_trios.outras", chave=chave, veio=veio, certo=certo, historias=mostrar(_CONTAR[0][0]))
    return "Cada trio de cada história, e nenhum entre uma e outra."
