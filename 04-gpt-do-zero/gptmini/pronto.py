"""O modelo pronto do curso e o seu: guardar num arquivo pequeno e ler de volta, sem executar nada do arquivo."""

import hashlib
from dataclasses import asdict
from pathlib import Path

import torch

from gptmini import historinhas
from gptmini.arquivos import gravando
from gptmini.modelo import GPTMini
from gptmini.treino import RECEITA, modelo_novo, train_steps
from gptmini.vetores import GPTConfig, WordTokenizer

PRONTO = Path(__file__).with_name("modelo_pronto.pt")
MEU = Path("meu-modelo") / "meu_modelo.pt"
TREINO, VALIDACAO = 38_500, 500      # quantas histórias o treino padrão sorteia


class ModeloInvalido(ValueError):
    """O arquivo não é um modelo do curso, ou veio quebrado."""


def dados(gramatica=None, semente=0):
    """(tokenizer, exemplos, historinhas de treino, historinhas de validação): nenhuma história nas duas."""
    todas = (gramatica or historinhas.padrao()).sortear(TREINO + VALIDACAO, semente)
    treino, validacao = todas[:TREINO], todas[TREINO:]
    tokenizer = WordTokenizer([h.texto for h in todas])
    exemplos = [[tokenizer.fim, *tokenizer.encode(h.texto), tokenizer.fim] for h in treino]
    return tokenizer, exemplos, treino, validacao


def treinar(semente=0):
    """O treino padrão da lição 05, do sorteio ao fim: (model, tokenizer, passos, treino, validacao)."""
    tokenizer, exemplos, treino, validacao = dados(semente=semente)
    model = modelo_novo(tokenizer, semente)
    passos = list(train_steps(model, exemplos, seed=semente, **RECEITA))
    return model.eval(), tokenizer, passos, treino, validacao


def impressao(arquivo):
    """O SHA-256 do que o arquivo guarda: o torch.load não percebe um bit trocado."""
    resumo = hashlib.sha256(repr([arquivo[parte] for parte in ("config", "vocab", "notas")]).encode())
    for nome, p in arquivo["pesos"].items():
        resumo.update(nome.encode() + p.contiguous().numpy().tobytes())
    return resumo.hexdigest()


def guardar(model, tokenizer, caminho=MEU, **notas):
    """Escreve o modelo com pesos em 16 bits; `notas` (números e textos) vão junto."""
    caminho = Path(caminho)
    caminho.parent.mkdir(parents=True, exist_ok=True)
    pesos = {nome: p.half() if p.is_floating_point() else p for nome, p in model.state_dict().items()}
    if model.config.tie_weights:
        del pesos["head.weight"]     # é a mesma tabela de token_embedding
    arquivo = {"config": asdict(model.config), "vocab": tokenizer.vocab, "pesos": pesos, "notas": notas}
    with gravando(caminho) as destino:
        torch.save(arquivo | {"impressao": impressao(arquivo)}, destino)
    return caminho


def ler(caminho):
    """(model, tokenizer, notas) de um arquivo feito por `guardar`."""
    try:
        arquivo = torch.load(caminho, map_location="cpu", weights_only=True)
        if impressao(arquivo) != arquivo["impressao"]:
            raise ValueError("o conteúdo não é o que foi guardado")
        tokenizer = WordTokenizer([" ".join(arquivo["vocab"][1:])])
        model = GPTMini(GPTConfig(**arquivo["config"]))
        faltam, sobram = model.load_state_dict(arquivo["pesos"], strict=False)
    except FileNotFoundError:
        raise
    except Exception as erro:
        raise ModeloInvalido(f"{Path(caminho).name} não é um modelo do curso, ou está quebrado ({type(erro).__name__}).") from erro
    if sobram or set(faltam) - {"head.weight"} or tokenizer.vocab != arquivo["vocab"]:
        raise ModeloInvalido(f"{Path(caminho).name} tem peças que não casam com a ficha do modelo.")
    return model.eval(), tokenizer, arquivo["notas"]


def modelo_pronto():
    """(model, tokenizer): o modelo que o treino padrão da lição 05 dá, já treinado."""
    return ler(PRONTO)[:2]


def meu_modelo():
    """(model, tokenizer): o que você treinou na lição 05, se houver; senão, o pronto. Diz qual usou."""
    pronto = modelo_pronto()
    if not MEU.exists():
        print("Usando o modelo pronto do curso: você ainda não guardou um seu (lição 05).")
        return pronto
    meu = ler(MEU)[:2]
    if meu[1].vocab != pronto[1].vocab:
        print(f"Usando o modelo pronto do curso: o de {MEU} foi treinado com outras palavras. A lição 05 refaz o seu.")
        return pronto
    print(f"Usando o seu modelo, de {MEU}.")
    return meu
