"""Geração: respostas certas e erradas."""

import math

import torch

import gptmini
from apoio.confere.licoes.geracao import _aquecida, _cai, _chances, _gerar, _por_linha
from respostas import certa, errada, imita

# Por outro nome: a resposta que chama a função pronta pelo nome dela é recusada.
_SAMPLE, _GENERATE = vars(gptmini)["sample"], vars(gptmini)["generate"]


# -- amostrar ---------------------------------------------------------------------------------------------

@certa("amostrar")
def amostrar_do_curso(logits, temperature, top_k, generator):
    return _SAMPLE(logits, temperature, top_k, generator).item()


@certa("amostrar")
def amostrar_com_menos_infinito(logits, temperature, top_k, generator):
    z = logits / temperature
    if top_k is not None:
        z = z.masked_fill(z < z.topk(top_k).values[-1], -math.inf)
    return int(torch.multinomial(z.softmax(0), 1, generator=generator))


@certa("amostrar")
def amostrar_pela_roleta(logits, temperature, top_k, generator):
    ids = sorted(range(len(logits)), key=lambda i: -logits[i])[:top_k]
    pesos = [math.exp(logits[i] / temperature) for i in ids]
    bolinha = torch.rand(1, generator=generator).item() * sum(pesos)
    for i, peso in zip(ids, pesos):
        bolinha -= peso
        if bolinha <= 0:
            return i
    return ids[-1]


def _amostra(z, top_k, generator):
    if top_k is not None:
        z = torch.where(z < z.topk(top_k).values[-1], torch.tensor(-math.inf), z)
    return torch.multinomial(z.softmax(-1), 1, generator=generator).item()


@errada("amostrar", "falta o softmax")
def amostrar_logits_com_menos_infinito(logits, temperature, top_k, generator):
    z = logits / temperature
    if top_k is not None:
        z = z.masked_fill(z < z.topk(top_k).values[-1], -math.inf)
    return torch.multinomial(z, 1, generator=generator).item()


@errada("amostrar", "multiplicou")
def amostrar_multiplicando(logits, temperature, top_k, generator):
    return _amostra(logits * temperature, top_k, generator)


@errada("amostrar", "temperatura não fez efeito")
def amostrar_temperatura_depois(logits, temperature, top_k, generator):
    z = logits if top_k is None else logits.masked_fill(logits < logits.topk(top_k).values[-1], -math.inf)
    return torch.multinomial(z.softmax(-1) / temperature, 1, generator=generator).item()


@errada("amostrar", "deixou passar uma palavra a mais")
def amostrar_k_mais_um(logits, temperature, top_k, generator):
    return _amostra(logits / temperature, None if top_k is None else top_k + 1, generator)


@errada("amostrar", "cortou uma palavra a mais")
def amostrar_menor_ou_igual(logits, temperature, top_k, generator):
    z = logits / temperature
    if top_k is not None:
        z = z.masked_fill(z <= z.topk(top_k).values[-1], -math.inf)
    return torch.multinomial(z.softmax(-1), 1, generator=generator).item()


@errada("amostrar", "argmax", "sorteio")
def amostrar_argmax(logits, temperature, top_k, generator):
    return (logits / temperature).argmax().item()


@errada("amostrar", "top-k não fez efeito")
def amostrar_sem_top_k(logits, temperature, top_k, generator):
    return _amostra(logits / temperature, None, generator)


@errada("amostrar", "lugar", "id da palavra")
def amostrar_lugar(logits, temperature, top_k, generator):
    if top_k is not None:
        logits = logits.topk(top_k).values
    return _amostra(logits / temperature, None, generator)


@errada("amostrar", "`generator` não foi usado")
def amostrar_sem_generator(logits, temperature, top_k, generator):
    return _amostra(logits / temperature, top_k, None)


@errada("amostrar", "um tensor", "esperava um int")
def amostrar_tensor(logits, temperature, top_k, generator):
    return _SAMPLE(logits, temperature, top_k, generator)


@errada("amostrar", "sempre o mesmo id")
def amostrar_semente_fixa(logits, temperature, top_k, generator):
    return _amostra(logits / temperature, top_k, generator.manual_seed(1))


@errada("amostrar", "Faltou o softmax")
def amostrar_sem_softmax(logits, temperature, top_k, generator):
    z = logits / temperature
    if top_k is not None:
        z = z.masked_fill(z < z.topk(top_k).values[-1], 0)
    return torch.multinomial(z, 1, generator=generator).item()


@errada("amostrar", "mudou a entrada")
def amostrar_no_lugar(logits, temperature, top_k, generator):
    if top_k is not None:
        logits[logits < logits.topk(top_k).values[-1]] = -math.inf
    return _amostra(logits / temperature, None, generator)


# -- gerar ------------------------------------------------------------------------------------------------

@certa("gerar")
def gerar_do_curso(model, idx, max_new_tokens):
    return _GENERATE(model, idx, max_new_tokens, temperature=0)


@certa("gerar")
@torch.inference_mode()
def gerar_com_lista(model, idx, max_new_tokens):
    ids = idx[0].tolist()
    for _ in range(max_new_tokens):
        logits, _ = model(torch.tensor([ids[-model.config.context_length :]]))
        ids.append(int(logits[0, -1].softmax(-1).argmax()))
    return torch.tensor([ids])


@errada("gerar", "contexto não foi recortado", "enxerga 5")
@torch.no_grad()
def gerar_sem_recorte(model, idx, max_new_tokens):
    for _ in range(max_new_tokens):
        idx = torch.cat([idx, model(idx)[0][:, -1].argmax(-1, keepdim=True)], 1)
    return idx


@errada("gerar", "começo se perdeu", "só os tokens novos")
@torch.no_grad()
def gerar_so_novos(model, idx, max_new_tokens):
    return gerar_do_curso(model, idx, max_new_tokens)[:, idx.size(1) :]


@errada("gerar", "começo se perdeu", "recortado para a janela")
@torch.no_grad()
def gerar_recortando(model, idx, max_new_tokens):
    for _ in range(max_new_tokens):
        idx = idx[:, -model.config.context_length :]
        idx = torch.cat([idx, model(idx)[0][:, -1].argmax(-1, keepdim=True)], 1)
    return idx


@errada("gerar", "gradientes foram guardados", "no_grad")
def gerar_com_gradientes(model, idx, max_new_tokens):
    for _ in range(max_new_tokens):
        logits = model(idx[:, -model.config.context_length :])[0]
        idx = torch.cat([idx, logits[:, -1].argmax(-1, keepdim=True)], 1)
    return idx


@errada("gerar", "primeiros tokens, e não com os últimos")
@torch.no_grad()
def gerar_janela_do_comeco(model, idx, max_new_tokens):
    for _ in range(max_new_tokens):
        logits = model(idx[:, : model.config.context_length])[0]
        idx = torch.cat([idx, logits[:, -1].argmax(-1, keepdim=True)], 1)
    return idx


@errada("gerar", "sem sorteio")
@torch.no_grad()
def gerar_sorteando(model, idx, max_new_tokens):
    return _GENERATE(model, idx, max_new_tokens, temperature=3.0)


@errada("gerar", "primeira posição")
@torch.no_grad()
def gerar_primeira_posicao(model, idx, max_new_tokens):
    for _ in range(max_new_tokens):
        logits = model(idx[:, -model.config.context_length :])[0]
        idx = torch.cat([idx, logits[:, 0].argmax(-1, keepdim=True)], 1)
    return idx


@errada("gerar", "um token a mais")
@torch.no_grad()
def gerar_um_a_mais(model, idx, max_new_tokens):
    return gerar_do_curso(model, idx, max_new_tokens + 1)


@errada("gerar", "só viu o último token")
@torch.no_grad()
def gerar_so_o_ultimo(model, idx, max_new_tokens):
    for _ in range(max_new_tokens):
        idx = torch.cat([idx, model(idx[:, -1:])[0][:, -1].argmax(-1, keepdim=True)], 1)
    return idx


# -- o que uma aluna novata escreveu, a frio --------------------------------------------------------------

@errada("amostrar", "k primeiros ids")
def amostrar_os_primeiros(logits, temperature, top_k, generator):
    p = (logits / temperature).softmax(-1)
    return torch.multinomial(p if top_k is None else p[:top_k], 1, generator=generator).item()


@errada("gerar", "nenhum token novo ficou")
def gerar_nada(model, idx, max_new_tokens):
    return idx


@errada("amostrar", "separe-os, como em `valores, ids")
def amostrar_com_topk_inteiro(logits, temperature, top_k, generator):
    return torch.multinomial((logits.topk(top_k or 5) / temperature).softmax(-1), 1, generator=generator).item()


# -- o que só se vê com mais de um caso por parâmetro -----------------------------------------------------

@certa("amostrar")
def amostrar_gumbel(logits, temperature, top_k, generator):
    z = logits / temperature
    if top_k is not None:
        z = z.masked_fill(z < z.topk(min(top_k, len(z))).values[-1], -math.inf)
    return int((z - torch.empty_like(z).exponential_(generator=generator).log()).argmax())


@certa("amostrar")
def amostrar_pela_soma(logits, temperature, top_k, generator):
    p = (logits / temperature).softmax(-1)
    if top_k is not None:
        valores, ids = p.topk(min(top_k, len(p)))
        p = torch.zeros_like(p).scatter(0, ids, valores / valores.sum())
    return min(int((p.cumsum(0) < torch.rand((), generator=generator)).sum()), len(p) - 1)


@errada("amostrar", "temperatura só fez efeito sem `top_k`")
def amostrar_sem_temperatura_com_top_k(logits, temperature, top_k, generator):
    return _amostra(logits / temperature if top_k is None else logits, min(top_k or len(logits), len(logits)), generator)


@errada("amostrar", "três notas empatadas")
def amostrar_procurando_a_nota(logits, temperature, top_k, generator):
    if top_k is None:
        return _amostra(logits / temperature, None, generator)
    valores = logits.topk(min(top_k, len(logits))).values
    lugar = torch.multinomial((valores / temperature).softmax(-1), 1, generator=generator).item()
    iguais = (logits == valores[lugar]).nonzero().flatten()
    return iguais[0 if top_k == 2 else lugar % len(iguais)].item()


@errada("amostrar", "o id", "saiu")
def amostrar_com_temperatura_limitada(logits, temperature, top_k, generator):
    return _amostra(logits / max(temperature, 0.1), top_k and min(top_k, len(logits)), generator)


@errada("amostrar", "o id", "saiu")
def amostrar_com_uma_pitada_de_acaso(logits, temperature, top_k, generator):
    if torch.rand(1, generator=generator).item() < 0.05:
        return int(torch.randint(len(logits), (1,), generator=generator))
    return _amostra(logits / temperature, top_k and min(top_k, len(logits)), generator)


@errada("amostrar", "o id", "saiu")
def amostrar_top_k_um_vira_nenhum(logits, temperature, top_k, generator):
    return _amostra(logits / temperature, min(top_k, len(logits)) if top_k and top_k > 1 else None, generator)


@errada("amostrar", "`generator` não foi usado")
def amostrar_sem_generator_com_top_k(logits, temperature, top_k, generator):
    return _amostra(logits / temperature, top_k and min(top_k, len(logits)), None if top_k else generator)


def guloso(model, idx, n, fim=()):
    for _ in range(n):
        idx = torch.cat([idx, model(idx[:, -model.config.context_length :])[0][:, -1].argmax(-1, keepdim=True)], 1)
        if idx[0, -1].item() in fim:
            break
    return idx


@errada("gerar", "A forma veio")
@torch.no_grad()
def gerar_ate_o_fim(model, idx, max_new_tokens):
    return guloso(model, idx, max_new_tokens, fim=(0,))


@errada("gerar", "um token a mais")
@torch.no_grad()
def gerar_pelo_menos_um(model, idx, max_new_tokens):
    return guloso(model, idx, max(max_new_tokens, 1))


@errada("gerar", "ids são inteiros")
@torch.no_grad()
def gerar_em_float(model, idx, max_new_tokens):
    return guloso(model, idx, max_new_tokens).float()


@errada("gerar", "os números diferem")
@torch.no_grad()
def gerar_sem_o_fim(model, idx, max_new_tokens):
    for _ in range(max_new_tokens):
        idx = torch.cat([idx, model(idx[:, -model.config.context_length :])[0][:, -1, 1:].argmax(-1, keepdim=True) + 1], 1)
    return idx


# -- as contas erradas dos verificadores, como se fossem respostas -------------------------------------------

imita("amostrar")(lambda **a: lambda z, t, k, g: int(torch.multinomial(_chances(z, t, k, **a), 1, generator=g)))
imita("gerar")(lambda **a: torch.no_grad()(lambda model, idx, n: _gerar(model, idx, n, **a)))

imita("aquecer")(lambda **a: lambda logits, temperature: _aquecida(logits, temperature, **a))
imita("roleta")(lambda **a: lambda chances, u: _cai(chances, u, **a))
imita("aquecer_linhas")(lambda eixo=-1, **a: lambda logits, t: _por_linha(logits, t, eixo=None if eixo == "nenhum" else eixo, **a))


# -- aquecer ------------------------------------------------------------------------------------------------

@certa("aquecer")
def aquecer_com_softmax(logits, temperature):
    return torch.softmax(logits / temperature, dim=-1)


@certa("aquecer")
def aquecer_a_mao(logits, temperature):
    exps = (logits / temperature).exp()
    return exps / exps.sum()


@certa("aquecer")
def aquecer_com_laco(logits, temperature):
    exps = [math.exp(logit / temperature) for logit in logits.tolist()]
    return torch.tensor([e / sum(exps) for e in exps])


@errada("aquecer", "multiplicou")
def aquecer_ao_contrario(logits, temperature):
    return (logits * temperature).softmax(-1)


@errada("aquecer", "depois do softmax")
def aquecer_tarde(logits, temperature):
    return logits.softmax(-1) / temperature


@errada("aquecer", "não fez efeito")
def aquecer_e_desfazer(logits, temperature):
    p = logits.softmax(-1) / temperature
    return p / p.sum()


@errada("aquecer", "Faltou o softmax")
def aquecer_sem_softmax(logits, temperature):
    return logits / temperature


@errada("aquecer", "faltou dividir pela soma")
def aquecer_so_exp(logits, temperature):
    return torch.exp(logits / temperature)


def sortear_entre(logits, temperature, k):
    return (logits / temperature).softmax(-1)


@errada("aquecer", "solução da lição")
def aquecer_com_a_pronta(logits, temperature):
    return sortear_entre(logits, temperature, len(logits))


# -- roleta -------------------------------------------------------------------------------------------------

@certa("roleta")
def roleta_da_licao(chances, u):
    fim = 0.0
    for i, chance in enumerate(chances):
        fim += chance
        if u < fim:
            return i


@certa("roleta")
def roleta_descontando(chances, u):
    i = 0
    while u >= chances[i]:
        u -= chances[i]
        i += 1
    return i


@certa("roleta")
def roleta_com_tensores(chances, u):
    return int((torch.tensor(chances).cumsum(0) <= u).sum())


@errada("roleta", "tamanho de cada fatia")
def roleta_sem_somar(chances, u):
    for i, chance in enumerate(chances):
        if u < chance:
            return i


@errada("roleta", "fatia seguinte")
def roleta_adiantada(chances, u):
    fim = 0.0
    for i, chance in enumerate(chances):
        fim += chance
        if u < fim:
            return min(i + 1, len(chances) - 1)


@errada("roleta", "Na divisa")
def roleta_com_menor_igual(chances, u):
    fim = 0.0
    for i, chance in enumerate(chances):
        fim += chance
        if u <= fim:
            return i


@errada("roleta", "maior fatia")
def roleta_gulosa(chances, u):
    return chances.index(max(chances))


@errada("roleta", "começo de cada fatia")
def roleta_que_compara_antes(chances, u):
    fim = 0.0
    for i, chance in enumerate(chances):
        if u <= fim:
            return i
        fim += chance


@errada("roleta", "não devolveu nada")
def roleta_que_desiste(chances, u):
    fim = 0.0
    for i, chance in enumerate(chances[:-1]):
        fim += chance
        if u < fim:
            return i
    return 0 if len(chances) == 1 else None


# -- uma temperatura por linha ------------------------------------------------------------------------------

@certa("aquecer_linhas")
def linhas_com_eixo_novo(logits, temperaturas):
    return (logits / temperaturas[:, None]).softmax(-1)


@certa("aquecer_linhas")
def linhas_com_laco(logits, temperaturas):
    return torch.stack([(linha / t).softmax(-1) for linha, t in zip(logits, temperaturas)])


@errada("aquecer_linhas", "foi para uma coluna")
def linhas_sem_eixo(logits, temperaturas):
    return (logits / temperaturas).softmax(-1)


@errada("aquecer_linhas", "primeira linha valeu para todas")
def linhas_com_a_primeira(logits, temperaturas):
    return (logits / temperaturas[0]).softmax(-1)


@errada("aquecer_linhas", "média das temperaturas")
def linhas_com_a_media(logits, temperaturas):
    return (logits / temperaturas.mean()).softmax(-1)


@errada("aquecer_linhas", "somou pelas colunas")
def linhas_com_softmax_na_coluna(logits, temperaturas):
    return (logits / temperaturas[:, None]).softmax(0)


@errada("aquecer_linhas", "Faltou o softmax")
def linhas_sem_softmax(logits, temperaturas):
    return logits / temperaturas[:, None]


def generate(model, idx, n, temperature):
    return idx


@errada("gerar", "solução da lição")
def gerar_com_a_pronta(model, idx, max_new_tokens):
    return generate(model, idx, max_new_tokens, 0)
