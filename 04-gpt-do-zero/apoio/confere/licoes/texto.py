"""Texto e ids: o tokenizador."""

import contextlib
import re
import unicodedata

from apoio.confere.corretor import Falha, chamar, cru, descrever, diga, e_um, exercicio, exigir, mostrar, nome_do_tipo, uma_sequencia

_TEXTOS = ["Ana tinha uma pipa azul.", "A pipa voou, e Ana riu!", "Davi viu um beija-flor na feira.\nO beija-flor fugiu.",
           "Até o avô viu, é azul."]
_NOVOS = ["Davi viu uma pipa.", "Davi viu uma pipa na feira, e Ana viu uma pipa azul.", "Davi viu uma pipa.\nAna riu!"]      # palavras conhecidas
_ESTRANHOS = ["Davi viu um zigurate.", "Davi viu ☃.", "zigurate", "☃", "Zigurate viu um avô.", "☃ viu um avô.", "Ana riu ☃", "Davi ☃ viu ☃ um avô.",
              "Ana riu?", "ANA riu!", "Davi viu uma pip."]


@exercicio(r"""
onde = "Lição 00, «Etapa 3: ids, e a volta»."

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
