"""A corrida: respostas certas e erradas."""

import torch
import torch.nn.functional as F

from apoio.confere.licoes.corrida import _pontos, _trincas
from respostas import certa, errada, imita

# -- os pontos do artigo ------------------------------------------------------------------------------------

@certa("pontos_do_artigo")
def pontos_a_mao(q, k, g):
    q = q / q.pow(2).sum(-1, keepdim=True).sqrt()
    k = k / k.pow(2).sum(-1, keepdim=True).sqrt()
    return g * (q @ k.transpose(-2, -1))


@certa("pontos_do_artigo")
def pontos_com_normalize(q, k, g):
    return g * F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).mT


@certa("pontos_do_artigo")
def pontos_com_cossenos(q, k, g):
    return g * F.cosine_similarity(q[:, :, None], k[:, None], dim=-1)


@errada("pontos_do_artigo", "raiz da média", "como na lição")
def pontos_da_licao(q, k, g):
    q, k = (F.rms_norm(t, t.shape[-1:]) for t in (q, k))
    return g * q @ k.mT


@errada("pontos_do_artigo", "A divisão por √hs ficou")
def pontos_com_duas_escalas(q, k, g):
    return pontos_a_mao(q, k, g) / q.size(-1) ** 0.5


@errada("pontos_do_artigo", "Faltou multiplicar por `g`")
def pontos_sem_g(q, k, g):
    return pontos_a_mao(q, k, 1)


@errada("pontos_do_artigo", "eixo errado")
def pontos_com_normalize_de_fabrica(q, k, g):
    return g * F.normalize(q) @ F.normalize(k).mT


@errada("pontos_do_artigo", "Faltou a raiz")
def pontos_pela_soma_dos_quadrados(q, k, g):
    q = q / (q * q).sum(-1, keepdim=True)
    k = k / (k * k).sum(-1, keepdim=True)
    return g * q @ k.mT


@errada("pontos_do_artigo", "faltam as chaves")
def pontos_so_da_consulta(q, k, g):
    return g * F.normalize(q, dim=-1) @ k.mT


# -- trincas ------------------------------------------------------------------------------------------------

@certa("trincas")
def trincas_com_pad(idx, V):
    uma, duas = F.pad(idx[:, :-1], (1, 0)), F.pad(idx[:, :-2], (2, 0))
    return duas * V * V + uma * V + idx


@certa("trincas")
def trincas_com_pares_de_pares(idx, V):
    zero = torch.zeros_like(idx[:, :1])
    pares = torch.cat([zero, idx[:, :-1]], dim=1) * V + idx
    return torch.cat([zero, pares[:, :-1]], dim=1) * V + idx


@certa("trincas")
def trincas_com_lacos(idx, V):
    linhas = []
    for letras in idx.tolist():
        cheias = [0, 0, *letras]
        linhas.append([(cheias[i] * V + cheias[i + 1]) * V + cheias[i + 2] for i in range(len(letras))])
    return torch.tensor(linhas)


@errada("trincas", "dá a volta", "futuro")
def trincas_roll(idx, V):
    return idx.roll(2, 1) * V * V + idx.roll(1, 1) * V + idx


@errada("trincas", "falta a letra de duas casas antes")
def trincas_de_pares(idx, V):
    return F.pad(idx[:, :-1], (1, 0)) * V + idx


@errada("trincas", "ao avesso")
def trincas_ao_avesso(idx, V):
    uma, duas = F.pad(idx[:, :-1], (1, 0)), F.pad(idx[:, :-2], (2, 0))
    return duas + uma * V + idx * V * V


@errada("trincas", "multiplicadas por V", "mesma linha")
def trincas_na_mesma_linha(idx, V):
    uma, duas = F.pad(idx[:, :-1], (1, 0)), F.pad(idx[:, :-2], (2, 0))
    return V * (duas + uma) + idx


@errada("trincas", "só somados")
def trincas_somadas(idx, V):
    return F.pad(idx[:, :-1], (1, 0)) + F.pad(idx[:, :-2], (2, 0)) + idx


@errada("trincas", "torch.float32", "inteiros")
def trincas_com_virgula(idx, V):
    return trincas_com_pad(idx, V).float()


# -- as contas erradas dos verificadores, como se fossem respostas -------------------------------------------

imita("pontos_do_artigo")(lambda **a: lambda q, k, g: _pontos(q, k, g, **a))
imita("trincas")(lambda **a: lambda idx, V: _trincas(idx, V, **a))
