"""Pontos de retomada: tudo o que um treino precisa para continuar como se nunca tivesse parado, num arquivo só."""

import torch

from gptmini.texto import as_int, short

from .arquivos import Recusado, desempacotar, empacotar, gravar, ler_bytes, montar, pecas, simples

MARCA = b"gptmini-ponto-1\n"


class PontoInvalido(ValueError):
    """O arquivo não é um ponto de retomada, veio quebrado, ou é o de outro treino."""


def acaso():
    """O estado do sorteio, de que depende o dropout dos passos que faltam."""
    return {"acaso": torch.get_rng_state(), "acaso_gpu": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []}


def guardar(caminho, model, optimizer, tokenizer, step, *, no_fim_do_passo=None, **treino):
    """Escreve o ponto; o anterior só some quando este está inteiro no disco. `treino`: o que mais retomar pede.

    no_fim_do_passo: o que `acaso` disse ali, se desde então alguém já sorteou.
    """
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(f"optimizer veio {short(optimizer)}; esperava um otimizador, como o que treina o modelo.")
    step = as_int("step", step, 0)
    ficha, pesos = pecas(model, tokenizer)
    gravar(caminho, empacotar(MARCA, ficha | (no_fim_do_passo or acaso()) | {
        "modelo": pesos, "congelados": [nome for nome, p in model.named_parameters() if not p.requires_grad],
        "otimizador": simples(optimizer.state_dict(), tensores=True), "tipo_do_otimizador": type(optimizer).__name__,
        "step": step, "treino": simples(treino)}))


def ler(caminho):
    """(ponto, model, tokenizer) de um arquivo feito por `guardar`; nada do arquivo é executado."""
    try:
        dados = ler_bytes(caminho, MARCA)
    except Recusado as erro:
        raise PontoInvalido(f"{short(str(caminho))} não é um ponto de retomada deste curso: {erro}. Esperava um feito por apoio.treinar.") from None
    try:
        ponto = desempacotar(MARCA, dados)
        model, tokenizer = montar(ponto, ponto.get("modelo"), len(dados))
        _conferir(ponto)
    except Recusado as erro:
        raise PontoInvalido(f"{short(str(caminho))} está quebrado, ou tem peças que não são as de um ponto deste curso: {erro}. "
                            "Use outro ponto, ou recomece o treino.") from None
    for nome, p in model.named_parameters():
        p.requires_grad_(nome not in ponto.get("congelados", ()))
    return ponto, model, tokenizer


def _conferir(ponto):
    for nome, tipo in (("step", int), ("treino", dict), ("acaso", torch.Tensor), ("acaso_gpu", list), ("otimizador", dict)):
        if not isinstance(ponto.get(nome), tipo):
            raise Recusado(f"«{nome}» veio {type(ponto.get(nome)).__name__}")
    otimizador, congelados = ponto["otimizador"], ponto.get("congelados", [])
    if not isinstance(otimizador.get("state"), dict) or not isinstance(otimizador.get("param_groups"), list) or not isinstance(congelados, list):
        raise Recusado("o estado do otimizador não está nele")


def retomar(ponto, optimizer):
    """Devolve o otimizador e o acaso ao estado em que estavam; chame-a logo antes de continuar o treino."""
    if not isinstance(ponto, dict) or not {"otimizador", "acaso", "acaso_gpu"} <= ponto.keys() or not isinstance(ponto["otimizador"], dict):
        raise TypeError(f"ponto veio {type(ponto).__name__}; esperava o primeiro dos três que ponto.ler devolve.")
    guardado, tipo = ponto["otimizador"], type(optimizer).__name__
    if ponto.get("tipo_do_otimizador", tipo) != tipo:
        raise PontoInvalido(f"o otimizador guardado é um {ponto['tipo_do_otimizador']}, e este é um {tipo}; crie um do mesmo tipo.")
    grupos = [[*g["params"]] for g in optimizer.param_groups]
    indices = [g.get("params") for g in guardado["param_groups"]]
    if [*map(len, grupos)] != [*map(len, indices)]:
        raise PontoInvalido("o otimizador guardado não tem os mesmos grupos de pesos que este; crie-o como no treino que parou.")
    for p, i in zip(sum(grupos, []), sum(indices, []), strict=True):
        for nome, tabela in guardado["state"].get(i, {}).items():
            if isinstance(tabela, torch.Tensor) and tabela.dim() and tabela.shape != p.shape:
                raise PontoInvalido(f"o otimizador guardado é o de outro modelo: nele {nome} tem forma {tuple(tabela.shape)}, e o peso, "
                                    f"{tuple(p.shape)}; use o modelo que ponto.ler devolve.")
    try:
        torch.set_rng_state(ponto["acaso"])
    except (RuntimeError, TypeError) as erro:
        raise PontoInvalido("o estado do sorteio que veio no ponto não serve nesta versão do PyTorch.") from erro
    optimizer.load_state_dict(guardado)
    if ponto["acaso_gpu"] and len(ponto["acaso_gpu"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(ponto["acaso_gpu"])
