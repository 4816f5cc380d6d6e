"""A turma no modelo: as notas do boletim e as linhas novas da tabela."""

import torch

from apoio.confere.corretor import chamar, exercicio, exigir, julgar, sorteio, um_numero, um_tensor


def _nota(vereditos, sem_juizo="erro", devolve="parte"):
    certos = sum(v is True for v in vereditos)
    total = sum(v is not None for v in vereditos) if sem_juizo == "fora" else len(vereditos)
    certos += sum(v is None for v in vereditos) if sem_juizo == "certo" else 0
    parte = certos / total if total else 0.0
    return torch.tensor({"parte": parte, "quantos": certos, "cem": 100 * parte, "erros": 1 - parte}[devolve], dtype=torch.float64)


@exercicio(r"""
onde = "Lição 08, «O boletim»."

[nao_e_numero]
dica = "Devolveu {veio}; esperava um número de 0 a 1."

[sem_juizo_de_fora]
imita = {sem_juizo = "fora"}
dica = "As histórias sem juízo saíram da conta; elas contam como erradas."
pergunta = "Com um `True` e nove `None`, a nota deveria ser alta?"
erro = "Divide-se pelo número de todas as histórias: um texto ilegível não melhora a nota."

[sem_juizo_vale]
imita = {sem_juizo = "certo"}
dica = "As histórias sem juízo contaram como certas; elas contam como erradas."
pergunta = "`None` é diferente de `False`. É igual a `True`?"
erro = "Some só os `True`."

[quantos]
imita = {devolve = "quantos"}
dica = "Isto é quantas estão certas; a nota é a parte: divida pelo total."
pergunta = "Com 3 certas em 4, quanto deveria sair?"
erro = "Sai 0,75."

[em_cem]
imita = {devolve = "cem"}
dica = "A nota veio de 0 a 100; esperava de 0 a 1."
pergunta = "Com todas certas, quanto deveria sair?"
erro = "Sai 1: é a parte, sem multiplicar por 100."

[parte_dos_erros]
imita = {devolve = "erros"}
dica = "Isto é a parte errada; a nota é a parte certa."
pergunta = "Com todas certas, quanto deveria sair?"
erro = "Sai 1."
""")
def nota(resposta):
    """`f(vereditos) -> float`, de 0 a 1; cada veredito é True, False ou None (sem juízo, que conta como errado)."""
    exigir(resposta)
    filas = ([True, False, None, True], [None, None, True], [True], [False, None], [True] * 7 + [False] * 2 + [None] * 3, [False, False, True, True, True])
    casos = [(fila,) for fila in filas]
    julgar("nota", [um_numero(chamar(resposta, *caso), "nota.nao_e_numero") for caso in casos], casos, _nota, "", folga=1e-6)
    return f"A nota está certa em {len(casos)} boletins, também com histórias sem juízo."


def _novidade(textos, treino, conta="fora", divide="textos", devolve="parte"):
    fora = {"fora": [t for t in textos if t not in treino], "dentro": [t for t in textos if t in treino],
            "pedaço": [t for t in textos if not any(t in outro for outro in treino)], "diferentes": {t for t in textos if t not in treino}}[conta]
    parte = len(fora) / {"textos": len(textos), "treino": len(treino), "diferentes": len(set(textos))}[divide]
    return torch.tensor({"parte": parte, "quantos": len(fora), "cem": 100 * parte}[devolve], dtype=torch.float64)


@exercicio(r"""
onde = "Lição 08, «O boletim»."

[ao_contrario]
imita = {conta = "dentro"}
dica = "Isto é a parte que o modelo **repetiu** do treino; a novidade é o que não está nele."
pergunta = "Se nenhuma história está no treino, quanto deveria sair?"
erro = "Sai 1: conte as que `not in treino`."

[dividido_pelo_treino]
imita = {divide = "treino"}
dica = "A divisão foi pelo tamanho do treino; é pelo número de histórias julgadas."
pergunta = "De que conjunto é a parte que se pede?"
erro = "É a parte dos `textos`: divida por `len(textos)`."

[so_as_diferentes]
imita = [{conta = "diferentes"}, {conta = "diferentes", divide = "diferentes"}]
dica = "As repetidas entre si contaram uma vez só; cada texto julgado conta."
pergunta = "Se o modelo escreve duas vezes a mesma história nova, quantas são novas?"
erro = "As duas: aqui só se pergunta se ela está no treino."

[pedaco]
imita = {conta = "pedaço"}
dica = "Um texto que é um pedaço de uma história do treino contou como repetido; só a história inteira conta."
pergunta = "O que faz `in` entre dois textos? E entre um texto e uma lista?"
erro = "Numa lista, `in` procura um item igual; num texto, um pedaço."

[quantas]
imita = {devolve = "quantos"}
dica = "Isto é quantas são novas; a novidade é a parte: divida pelo total."
pergunta = "Com 3 novas em 4, quanto deveria sair?"
erro = "Sai 0,75."

[em_cem]
imita = {devolve = "cem"}
dica = "A novidade veio de 0 a 100; esperava de 0 a 1."
pergunta = "Com todas novas, quanto deveria sair?"
erro = "Sai 1."
""")
def novidade(resposta):
    """`f(textos, treino) -> float`, de 0 a 1: a parte dos textos que não está no treino; duas listas de str."""
    exigir(resposta)
    casos = [(["a b.", "c d.", "a b.", "e f."], ["a b.", "g h.", "i j.", "k l.", "m n."]), (["x.", "x.", "y."], ["z."]), (["a."], ["a.", "b."]),
             (["Bia riu.", "Ana riu."], ["Ana riu. Bia riu.", "Caio riu."]), (["p.", "q.", "r.", "q.", "s."], ["q.", "s.", "t."])]
    julgar("novidade", [um_numero(chamar(resposta, *caso), "nota.nao_e_numero") for caso in casos], casos, _novidade, "", folga=1e-6)
    return f"A novidade está certa em {len(casos)} pares de listas."


def _media(tabela, ids, de="linhas", eixo=0, como="média"):
    linhas = {"linhas": tabela[ids], "tabela": tabela, "primeira": tabela[ids[:1]], "sem a primeira": tabela[ids[1:] or ids],
              "lugar médio": tabela[[sum(ids) // len(ids)]]}[de]
    return {"média": linhas.mean(eixo), "soma": linhas.sum(eixo), "mediana": linhas.median(eixo).values}[como]


@exercicio(r"""
onde = "Lição 08, «Com os nomes da sua turma»."

[eixo]
imita = {eixo = 1}
dica = "A média foi dos números de cada linha: saiu um por palavra, e esperava um por coluna."
pergunta = "Que forma tem `tabela[ids]`, e que eixo é o das palavras?"
erro = "`tabela[ids]` é (n, C); a média das palavras é no eixo 0 e dá (C,)."

[a_tabela_inteira]
imita = {de = "tabela"}
dica = "A média foi da tabela inteira; é só das linhas de `ids`."
pergunta = "Em que linha do seu código `ids` é usado?"
erro = "`tabela[ids]` fica só com as linhas pedidas."

[soma]
imita = {como = "soma"}
dica = "Isto é a soma das linhas; faltou dividir por quantas são."
pergunta = "Com duas linhas iguais, o que deveria sair?"
erro = "A mesma linha: a média, e não a soma."

[so_a_primeira]
imita = {de = "primeira"}
dica = "Saiu só a primeira das linhas pedidas."
pergunta = "O laço passa por todos os `ids`?"
erro = "Junte todas as linhas, e só então a média."

[sem_a_primeira]
imita = {de = "sem a primeira"}
dica = "Uma linha ficou de fora da média: a primeira de `ids`."
pergunta = "De onde parte o seu laço?"
erro = "Todas as linhas de `ids` contam, também `ids[0]`."

[media_dos_ids]
imita = {de = "lugar médio"}
dica = "A média foi dos ids, e depois se pegou uma linha; é das linhas que se tira a média."
pergunta = "O id do meio entre dois nomes é um nome?"
erro = "Ids são lugares na lista, e não medidas: primeiro as linhas, depois a média."

[mediana]
imita = {como = "mediana"}
dica = "Isto é a mediana, e não a média."
pergunta = "Que método você chamou?"
erro = "É `.mean(0)`."
""")
def media_das_linhas(resposta):
    """`f(tabela, ids) -> (C,)`: a média das linhas de `ids`; tabela (V, C), ids uma lista de inteiros."""
    exigir(resposta)
    casos = [(torch.randn(V, C, generator=sorteio(V)), ids) for V, C, ids in ((8, 3, [1, 4, 7, 6]), (5, 5, [0, 3, 4]), (12, 4, [10, 2, 5, 3, 3]), (6, 2, [5]))]
    julgar("media_das_linhas", [um_tensor(chamar(resposta, *caso)) for caso in casos], casos, _media, "C")
    return f"A média é a das linhas pedidas, em {len(casos)} tabelas."


def _levar(tabela, antigo, novo, desconhecida="média", como="palavra"):
    que = {"média": tabela.mean(0), "zeros": torch.zeros(tabela.size(1)), "primeira": tabela[0],
           "das que ficam": tabela[[antigo.index(p) for p in antigo if p in novo] or [0]].mean(0)}[desconhecida]
    linhas = []
    for lugar, palavra in enumerate(novo):
        if como == "lugar":
            linhas.append(tabela[lugar] if lugar < len(tabela) else que)
        else:
            linhas.append(tabela[antigo.index(palavra)] if palavra in antigo else que)
    if como == "conhecidas":
        linhas = [tabela[antigo.index(p)] for p in novo if p in antigo]
    if como == "no fim":
        linhas = [tabela[antigo.index(p)] for p in novo if p in antigo] + [que for p in novo if p not in antigo]
    return torch.stack(linhas)


@exercicio(r"""
onde = "Lição 08, «Com os nomes da sua turma»."

[pelo_lugar]
imita = {como = "lugar"}
dica = "As linhas foram copiadas pelo lugar; cada palavra tem de levar a sua, e os lugares mudaram."
pergunta = "Em que linha de `tabela` está a palavra `novo[0]`?"
erro = "É `antigo.index(palavra)` que diz a linha antiga."

[so_as_conhecidas]
imita = {como = "conhecidas"}
dica = "As palavras novas ficaram sem linha: a tabela saiu mais curta que o vocabulário novo."
pergunta = "Quantas linhas precisa ter a tabela nova?"
erro = "Uma por palavra de `novo`; a desconhecida recebe a média."

[novas_no_fim]
imita = {como = "no fim"}
dica = "As linhas novas foram todas para o fim; cada uma vai para o lugar da sua palavra em `novo`."
pergunta = "Que palavra está em `novo[0]`? E que linha você pôs ali?"
erro = "Percorra `novo` na ordem, e decida a linha de cada palavra."

[zeros]
imita = {desconhecida = "zeros"}
dica = "A palavra nova ficou com zeros; aqui ela começa na média da tabela inteira."
pergunta = "O que o enunciado pede para a palavra que não existia?"
erro = "`tabela.mean(0)`, uma linha (C,)."

[linha_do_fim]
imita = {desconhecida = "primeira"}
dica = "A palavra nova ficou com a linha 0; aqui ela começa na média da tabela inteira."
pergunta = "De quem é a linha 0?"
erro = "É do primeiro token do vocabulário; a média de todas é `tabela.mean(0)`."

[media_das_que_ficam]
imita = {desconhecida = "das que ficam"}
dica = "A média foi só das palavras que continuam; o enunciado pede a de todas as linhas antigas."
pergunta = "Entram na média as palavras que saem do vocabulário?"
erro = "Entram: é `tabela.mean(0)`, calculada antes do laço."
""")
def levar(resposta):
    """`f(tabela, antigo, novo) -> (V novo, C)`: duas listas de palavras; a palavra nova recebe a média das linhas antigas."""
    exigir(resposta)
    casos = [(torch.randn(len(antigo), C, generator=sorteio(C)), antigo, novo) for C, antigo, novo in (
        (3, ["<fim>", "Ana", "bola", "tinha"], ["<fim>", "Jurema", "bola", "pipa", "tinha"]), (4, ["a", "b", "c"], ["c", "a", "b"]),
        (2, ["x", "y", "z", "w"], ["w", "novo", "x"]), (5, ["a", "b"], ["n", "b", "m", "a"]))]
    julgar("levar", [um_tensor(chamar(resposta, *caso)) for caso in casos], casos, _levar, "V C")
    return f"Cada palavra leva a sua linha, em {len(casos)} trocas de vocabulário."
