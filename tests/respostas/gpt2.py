"""Do mini ao GPT-2: respostas certas e erradas."""

import torch

from apoio.confere.licoes.gpt2 import _bytes, _horas, _um_passo
from gptmini.pesos import NOMES
from respostas import certa, errada, imita

imita("horas_de_treino")(lambda **a: lambda *caso: _horas(*caso, **a).item())
imita("bytes_do_cache")(lambda **a: lambda *caso: _bytes(*caso, **a).item())


@imita("atencao_com_cache")
def passo_que_imita(**a):
    def passo(q, k, v, chaves, valores):
        junto, T, hs = _um_passo(q, k, v, chaves, valores, **a), len(chaves) + 1, len(q)
        return junto[:hs], junto[hs : hs + T * hs].view(T, hs), junto[hs + T * hs :].view(T, hs)

    return passo


@certa("traduzir")
def traduzir_por_partes(nome):
    partes = nome.split(".")
    if any(parte.startswith("ln_") for parte in partes) and partes[-1] == "weight":
        partes[-1] = "gain"
    nome = ".".join("blocks" if parte == "h" else parte for parte in partes)
    for nosso, deles in NOMES.items():
        if deles not in ("h", "weight"):
            nome = nome.replace(deles, nosso)
    return nome


@certa("traduzir")
def traduzir_com_ifs(nome):
    for deles, nosso in (("wte", "token_embedding"), ("wpe", "position_embedding"), ("ln_f.weight", "final_norm.gain"), ("ln_f", "final_norm"),
                         ("ln_1.weight", "norm1.gain"), ("ln_2.weight", "norm2.gain"), ("ln_1", "norm1"), ("ln_2", "norm2"), ("attn.c_attn", "attention.qkv"),
                         ("attn.c_proj", "attention.proj"), ("mlp.c_fc", "feedforward.expand"), ("mlp.c_proj", "feedforward.contract")):
        nome = nome.replace(deles, nosso)
    return "blocks" + nome[1:] if nome.startswith("h.") else nome


@errada("traduzir", "também tem um h")
def traduzir_todo_h(nome):
    return traduzir_com_ifs(nome.replace("h", "blocks")) if nome.startswith("h.") else traduzir_com_ifs(nome.replace("h", "blocks"))


@errada("traduzir", "nosso `gain`")
def traduzir_sem_gain(nome):
    return traduzir_com_ifs(nome).replace("gain", "weight")


@errada("traduzir", "só nas normalizações")
def traduzir_todo_weight(nome):
    return traduzir_com_ifs(nome).replace("weight", "gain")


@errada("traduzir", "há um `c_proj`")
def traduzir_c_proj(nome):
    return traduzir_com_ifs(nome.replace("mlp.c_proj", "mlp.attention.proj"))


@errada("traduzir", "saiu igual")
def traduzir_nada(nome):
    return nome


@errada("traduzir", "esperava um texto")
def traduzir_em_lista(nome):
    return traduzir_com_ifs(nome).split(".")


@certa("atencao_com_cache")
def passo_da_licao(q, k, v, chaves, valores):
    chaves, valores = torch.cat([chaves, k[None]]), torch.cat([valores, v[None]])
    pesos = (chaves @ q / len(q) ** 0.5).softmax(dim=0)
    return pesos @ valores, chaves, valores


@certa("atencao_com_cache")
def passo_com_lacos(q, k, v, chaves, valores):
    chaves, valores = torch.stack([*chaves, k]), torch.stack([*valores, v])
    exps = [torch.exp(q @ chave / len(q) ** 0.5) for chave in chaves]
    return sum(e / sum(exps) * valor for e, valor in zip(exps, valores)), chaves, valores


@errada("atencao_com_cache", "também fica guardado")
def passo_sem_guardar(q, k, v, chaves, valores):
    return passo_da_licao(q, k, v, chaves, valores)[0], chaves, valores


@errada("atencao_com_cache", "também o próprio token")
def passo_sem_o_novo(q, k, v, chaves, valores):
    pesos = (chaves @ q / len(q) ** 0.5).softmax(dim=0)
    return pesos @ valores, torch.cat([chaves, k[None]]), torch.cat([valores, v[None]])


@errada("atencao_com_cache", "Faltou a escala")
def passo_sem_escala(q, k, v, chaves, valores):
    chaves, valores = torch.cat([chaves, k[None]]), torch.cat([valores, v[None]])
    return (chaves @ q).softmax(dim=0) @ valores, chaves, valores


@errada("atencao_com_cache", "trocaram de papel")
def passo_trocado(q, k, v, chaves, valores):
    chaves, valores = torch.cat([chaves, k[None]]), torch.cat([valores, v[None]])
    return (valores @ q / len(q) ** 0.5).softmax(dim=0) @ chaves, chaves, valores


@errada("atencao_com_cache", "três tensores")
def passo_so_a_saida(q, k, v, chaves, valores):
    return passo_da_licao(q, k, v, chaves, valores)[0]


@certa("horas_de_treino")
def horas_da_licao(parametros, tokens, pico, parte):
    contas = 6 * parametros * tokens
    return contas / (parte * pico * 1e12) / 3600


@certa("horas_de_treino")
def horas_por_partes(parametros, tokens, pico, parte):
    segundos = 6 * parametros * tokens / (pico * 10**12)
    return segundos / parte / 60 / 60


@errada("horas_de_treino", "fração")
def horas_no_pico(parametros, tokens, pico, parte):
    return 6 * parametros * tokens / (pico * 1e12) / 3600


@errada("horas_de_treino", "segundos")
def horas_em_segundos(parametros, tokens, pico, parte):
    return 6 * parametros * tokens / (parte * pico * 1e12)


@errada("horas_de_treino", "2 contas")
def horas_so_da_ida(parametros, tokens, pico, parte):
    return 2 * parametros * tokens / (parte * pico * 1e12) / 3600


@errada("horas_de_treino", "outro prefixo")
def horas_em_giga(parametros, tokens, pico, parte):
    return 6 * parametros * tokens / (parte * pico * 1e9) / 3600


@errada("horas_de_treino", "ao contrário")
def horas_ao_contrario(parametros, tokens, pico, parte):
    return 6 * parametros * tokens * parte / (pico * 1e12) / 3600


@certa("bytes_do_cache")
def bytes_da_licao(n_blocos, n_cabecas, n_grupos, hs, tokens, bytes_por_numero):
    por_token = 2 * n_grupos * hs
    return n_blocos * tokens * por_token * bytes_por_numero


@certa("bytes_do_cache")
def bytes_com_soma(n_blocos, n_cabecas, n_grupos, hs, tokens, bytes_por_numero):
    chaves = n_blocos * n_grupos * hs * tokens
    return (chaves + chaves) * bytes_por_numero


@errada("bytes_do_cache", "Faltou a metade")
def bytes_so_das_chaves(n_blocos, n_cabecas, n_grupos, hs, tokens, bytes_por_numero):
    return n_blocos * n_grupos * hs * tokens * bytes_por_numero


@errada("bytes_do_cache", "por **grupo**")
def bytes_de_todas_as_cabecas(n_blocos, n_cabecas, n_grupos, hs, tokens, bytes_por_numero):
    return 2 * n_blocos * n_cabecas * hs * tokens * bytes_por_numero


@errada("bytes_do_cache", "um bloco só")
def bytes_de_um_bloco(n_blocos, n_cabecas, n_grupos, hs, tokens, bytes_por_numero):
    return 2 * n_grupos * hs * tokens * bytes_por_numero


@errada("bytes_do_cache", "megabytes")
def bytes_em_mega(n_blocos, n_cabecas, n_grupos, hs, tokens, bytes_por_numero):
    return bytes_da_licao(n_blocos, n_cabecas, n_grupos, hs, tokens, bytes_por_numero) / 1e6


@errada("bytes_do_cache", "quantas cabeças há em cada grupo")
def bytes_por_grupo(n_blocos, n_cabecas, n_grupos, hs, tokens, bytes_por_numero):
    return 2 * n_blocos * n_cabecas // n_grupos * hs * tokens * bytes_por_numero
