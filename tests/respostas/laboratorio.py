"""Laboratório: respostas certas e erradas."""

import torch

from apoio.confere.licoes.laboratorio import _PALAVRAS, _acerto, _veredito
from respostas import certa, errada, imita

imita("veredito")(lambda **a: lambda excesso: _PALAVRAS[_veredito(excesso, **a)])
imita("acerto")(lambda **a: lambda logits, alvos: _acerto(logits, alvos, **a).item())


@certa("veredito")
def veredito_com_ifs(excesso):
    if excesso < -0.01:
        return "trapaceia"
    if excesso < 0.02:
        return "fica igual"
    return "piora" if excesso < 0.2 else "quebra"


@certa("veredito")
def veredito_de_cima_para_baixo(excesso):
    if excesso >= 0.2:
        return "quebra"
    if excesso >= 0.02:
        return "piora"
    if excesso >= -0.01:
        return "fica igual"
    return "trapaceia"


@errada("veredito", "negativo não deu")
def veredito_sem_trapaca(excesso):
    return veredito_com_ifs(abs(excesso))


@errada("veredito", "Todo excesso negativo")
def veredito_desconfiado(excesso):
    return "trapaceia" if excesso < 0 else veredito_com_ifs(excesso)


@errada("veredito", "fronteiras exatas")
def veredito_com_menor_igual(excesso):
    return "trapaceia" if excesso <= -0.01 else "fica igual" if excesso <= 0.02 else "piora" if excesso <= 0.2 else "quebra"


@errada("veredito", "ordem contrária")
def veredito_ao_contrario(excesso):
    return _PALAVRAS[::-1][_PALAVRAS.index(veredito_com_ifs(excesso))]


@errada("veredito", "uma das quatro palavras")
def veredito_com_outra_palavra(excesso):
    return veredito_com_ifs(excesso).replace("fica igual", "igual")


@certa("acerto")
def acerto_com_mascara(logits, alvos):
    vale = alvos != -100
    return (logits.argmax(-1) == alvos)[vale].float().mean().item()


@certa("acerto")
def acerto_com_lacos(logits, alvos):
    certos = total = 0
    for linha, fila in zip(logits, alvos):
        for notas, alvo in zip(linha, fila):
            if alvo != -100:
                total += 1
                certos += int(notas.argmax() == alvo)
    return certos / total


@errada("acerto", "entraram na conta")
def acerto_que_conta_tudo(logits, alvos):
    return (logits.argmax(-1) == alvos).float().mean().item()


@errada("acerto", "entre os lugares do texto")
def acerto_no_eixo_do_tempo(logits, alvos):
    return (logits.argmax(1) == alvos)[alvos != -100].float().mean().item()


@errada("acerto", "entre os lugares do texto", "entraram na conta")
def acerto_do_enunciado(logits, alvos):
    return (logits.argmax(dim=1) == alvos).float().mean().item()


@errada("acerto", "média das médias")
def acerto_por_linha(logits, alvos):
    partes = [(linha.argmax(-1) == fila)[fila != -100].float().mean() for linha, fila in zip(logits, alvos)]
    return torch.stack(partes).mean().item()


@errada("acerto", "quantas palavras")
def acerto_que_conta(logits, alvos):
    return (logits.argmax(-1) == alvos).sum().item()


@errada("acerto", "de 0 a 100")
def acerto_em_cem(logits, alvos):
    return 100 * acerto_com_mascara(logits, alvos)


@certa("sem_vieses")
def sem_vieses_da_licao(model):
    for nome, peso in model.named_parameters():
        if nome.endswith("bias"):
            peso.requires_grad_(False)
            with torch.no_grad():
                peso.zero_()
    return model


@certa("sem_vieses")
def sem_vieses_por_data(model):
    for nome, peso in model.named_parameters():
        if "bias" in nome:
            peso.data.zero_()
            peso.requires_grad = False
    return model


@errada("sem_vieses", "não ficou em zero")
def sem_vieses_so_das_lineares(model):
    for nome, peso in model.named_parameters():
        if nome.endswith("bias") and "norm" not in nome:
            peso.data.zero_()
            peso.requires_grad_(False)
    return model


@errada("sem_vieses", "não é um viés, mudou")
def sem_vieses_nem_ganhos(model):
    for peso in model.parameters():
        if peso.dim() == 1:
            peso.data.zero_()
            peso.requires_grad_(False)
    return model


@errada("sem_vieses", "ainda treinaria")
def sem_vieses_que_treinam(model):
    for nome, peso in model.named_parameters():
        if nome.endswith("bias"):
            peso.data.zero_()
    return model


@errada("sem_vieses", "deixou de treinar")
def sem_vieses_com_tudo_parado(model):
    for nome, peso in model.named_parameters():
        peso.requires_grad_(False)
        if nome.endswith("bias"):
            peso.zero_()
    return model


@errada("sem_vieses", "perdeu o peso")
def sem_vieses_apagados(model):
    for block in model.blocks:
        block.attention.qkv.bias = None
    return model


@errada("sem_vieses", "devolva o modelo")
def sem_vieses_que_devolve_lista(model):
    return [sem_vieses_da_licao(model)]
