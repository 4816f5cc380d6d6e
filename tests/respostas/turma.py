"""A turma no modelo: respostas certas e erradas."""

import torch

from apoio.confere.licoes.turma import _levar, _media, _nota, _novidade
from respostas import certa, errada, imita

imita("nota")(lambda **a: lambda vereditos: _nota(vereditos, **a).item())
imita("novidade")(lambda **a: lambda textos, treino: _novidade(textos, treino, **a).item())
imita("media_das_linhas")(lambda **a: lambda tabela, ids: _media(tabela, ids, **a))
imita("levar")(lambda **a: lambda tabela, antigo, novo: _levar(tabela, antigo, novo, **a))


@certa("nota")
def nota_com_laco(vereditos):
    certas = 0
    for veredito in vereditos:
        if veredito:
            certas += 1
    return certas / len(vereditos)


@certa("nota")
def nota_com_count(vereditos):
    return vereditos.count(True) / len(vereditos)


@errada("nota", "saíram da conta")
def nota_sem_os_ilegiveis(vereditos):
    lidas = [v for v in vereditos if v is not None]
    return sum(lidas) / max(len(lidas), 1)


@errada("nota", "contaram como certas")
def nota_que_aceita_none(vereditos):
    return sum(v is not False for v in vereditos) / len(vereditos)


@errada("nota", "quantas estão certas")
def nota_que_conta(vereditos):
    return vereditos.count(True)


@errada("nota", "de 0 a 100")
def nota_em_cem(vereditos):
    return 100 * vereditos.count(True) / len(vereditos)


@errada("nota", "parte errada")
def nota_dos_erros(vereditos):
    return 1 - vereditos.count(True) / len(vereditos)


@errada("nota", "esperava um número")
def nota_em_texto(vereditos):
    return f"{vereditos.count(True)} de {len(vereditos)}"


@certa("novidade")
def novidade_com_laco(textos, treino):
    novas = 0
    for texto in textos:
        if texto not in treino:
            novas += 1
    return novas / len(textos)


@certa("novidade")
def novidade_com_conjunto(textos, treino):
    vistos = set(treino)
    return sum(t not in vistos for t in textos) / len(textos)


@errada("novidade", "repetiu")
def novidade_ao_contrario(textos, treino):
    return sum(t in treino for t in textos) / len(textos)


@errada("novidade", "tamanho do treino")
def novidade_pelo_treino(textos, treino):
    return sum(t not in treino for t in textos) / len(treino)


@errada("novidade", "uma vez só")
def novidade_das_diferentes(textos, treino):
    return len(set(textos) - set(treino)) / len(set(textos))


@errada("novidade", "pedaço")
def novidade_com_pedacos(textos, treino):
    tudo = " ".join(treino)
    return sum(t not in tudo for t in textos) / len(textos)


@errada("novidade", "quantas são novas")
def novidade_que_conta(textos, treino):
    return len([t for t in textos if t not in treino])


@certa("media_das_linhas")
def media_com_mean(tabela, ids):
    return tabela[ids].mean(0)


@certa("media_das_linhas")
def media_com_laco(tabela, ids):
    soma = torch.zeros(tabela.size(1))
    for i in ids:
        soma = soma + tabela[i]
    return soma / len(ids)


@errada("media_das_linhas", "números de cada linha")
def media_no_eixo_errado(tabela, ids):
    return tabela[ids].mean(1)


@errada("media_das_linhas", "tabela inteira")
def media_de_tudo(tabela, ids):
    return tabela.mean(0)


@errada("media_das_linhas", "soma das linhas")
def media_sem_dividir(tabela, ids):
    return tabela[ids].sum(0)


@errada("media_das_linhas", "média foi dos ids")
def media_dos_ids(tabela, ids):
    return tabela[sum(ids) // len(ids)]


@errada("media_das_linhas", "só a primeira")
def media_da_primeira(tabela, ids):
    for i in ids:
        return tabela[i]


@certa("levar")
def levar_com_laco(tabela, antigo, novo):
    media, linhas = tabela.mean(0), []
    for palavra in novo:
        linhas.append(tabela[antigo.index(palavra)] if palavra in antigo else media)
    return torch.stack(linhas)


@certa("levar")
def levar_com_dicionario(tabela, antigo, novo):
    linha = {palavra: tabela[i] for i, palavra in enumerate(antigo)}
    return torch.stack([linha.get(palavra, tabela.mean(0)) for palavra in novo])


@errada("levar", "copiadas pelo lugar")
def levar_pelo_lugar(tabela, antigo, novo):
    return torch.stack([tabela[i] if i < len(tabela) else tabela.mean(0) for i in range(len(novo))])


@errada("levar", "ficaram sem linha")
def levar_so_as_conhecidas(tabela, antigo, novo):
    return tabela[[antigo.index(p) for p in novo if p in antigo]]


@errada("levar", "com zeros")
def levar_com_zeros(tabela, antigo, novo):
    return torch.stack([tabela[antigo.index(p)] if p in antigo else torch.zeros(tabela.size(1)) for p in novo])


@errada("levar", "linha 0")
def levar_com_a_linha_do_fim(tabela, antigo, novo):
    return torch.stack([tabela[antigo.index(p) if p in antigo else 0] for p in novo])


@errada("levar", "só das palavras que continuam")
def levar_com_a_media_das_que_ficam(tabela, antigo, novo):
    ficam = [antigo.index(p) for p in antigo if p in novo]
    return torch.stack([tabela[antigo.index(p)] if p in antigo else tabela[ficam].mean(0) for p in novo])
