"""O modelo pronto do curso e o seu: guardar num arquivo pequeno e ler de volta, sem executar nada do arquivo."""

import hashlib
from pathlib import Path

import torch

from apoio import historinhas
from apoio.arquivos import Recusado, abrir, desempacotar, empacotar, gravar, ler_bytes, montar, pecas, simples
from gptmini.geracao import generate
from gptmini.texto import WordTokenizer, as_int, short
from gptmini.treino import RECEITA, modelo_novo, train_steps

MARCA = b"gptmini-modelo-2\n"
ANTIGO = b"PK\x03\x04"      # os primeiros arquivos eram um torch.save, sem marca
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
    return tokenizer, em_ids(tokenizer, treino), treino, validacao


def em_ids(tokenizer, sorteadas):
    """Cada historinha como o modelo a lê: os seus ids, entre dois `<fim>`."""
    return [[tokenizer.fim, *tokenizer.encode(h.texto), tokenizer.fim] for h in sorteadas]


def treinar(semente=0):
    """O treino padrão da lição 06, do sorteio ao fim: (model, tokenizer, passos, treino, validacao)."""
    tokenizer, exemplos, treino, validacao = dados(semente=semente)
    model = modelo_novo(tokenizer, semente)
    passos = list(train_steps(model, exemplos, seed=semente, **RECEITA))
    return model.eval(), tokenizer, passos, treino, validacao


def em_16_bits(p):
    """Os pesos com metade dos bits, onde isso só lhes tira a quarta casa; a tabela em que tiraria mais fica em 32."""
    meia, p = p.half(), p.float()
    return meia if (meia.float() - p).abs().max() <= p.abs().max() / 1024 else p


def guardar(model, tokenizer, caminho=MEU, **notas):
    """Escreve o modelo com pesos em 16 bits; `notas` (números, textos, listas e dicionários deles) vão junto."""
    ficha, pesos = pecas(model, tokenizer)
    if ficha["config"]["tie_weights"]:
        del pesos["head.weight"]     # é a mesma tabela de token_embedding
    pesos = {nome: em_16_bits(p.cpu()) for nome, p in pesos.items()}
    dados = empacotar(MARCA, ficha | {"pesos": pesos, "notas": simples(notas)})
    _montar(dados)                   # o que não se lê não se guarda
    gravar(caminho, dados)
    return Path(caminho)


def ler(caminho):
    """(model, tokenizer, notas) de um arquivo feito por `guardar`."""
    try:
        return _montar(ler_bytes(caminho, MARCA, ANTIGO))
    except Recusado as erro:
        raise ModeloInvalido(f"{short(Path(caminho).name)} não é um modelo do curso, ou está quebrado: {erro}.") from None


def _montar(dados):
    arquivo = desempacotar(MARCA, dados) if dados.startswith(MARCA) else _antigo(dados)
    pesos, notas = arquivo.get("pesos"), arquivo.get("notas")
    if not isinstance(pesos, dict) or not isinstance(notas, dict):
        raise Recusado("faltam nele os pesos ou as notas")
    model, tokenizer = montar(arquivo, pesos, len(dados))
    return model.float().eval(), tokenizer, notas


def _antigo(dados):
    """Um arquivo de antes da marca: só palavras, e um SHA-256 contado sobre as peças, e não sobre os bytes."""
    arquivo = abrir(dados)
    pilha, resta = [arquivo.get(parte) for parte in ("config", "vocab", "notas")], 100 * len(dados)
    while pilha:      # uma lista que se repete dentro de si mesma escreveria, no repr, um texto sem fim
        parte = pilha.pop()
        resta -= 1 + (len(parte) if isinstance(parte, (str, list, tuple, dict)) else 0)
        if resta < 0:
            raise Recusado("as notas são grandes demais")
        pilha += [*parte.values()] if isinstance(parte, dict) else parte if isinstance(parte, (list, tuple)) else []
    try:
        resumo = hashlib.sha256(repr([arquivo[parte] for parte in ("config", "vocab", "notas")]).encode())
        for nome, p in arquivo["pesos"].items():
            resumo.update(nome.encode() + p.contiguous().numpy().tobytes())
        certo = resumo.hexdigest() == arquivo["impressao"]
    except (LookupError, AttributeError, TypeError, ValueError, RuntimeError) as erro:
        raise Recusado(f"faltam peças nele ({type(erro).__name__})") from erro
    if not certo:
        raise Recusado("o conteúdo não é o que foi guardado")
    return arquivo | {"tokenizador": "palavras"}


def modelo_pronto():
    """(model, tokenizer): o modelo que o treino padrão da lição 06 dá, já treinado."""
    return ler(PRONTO)[:2]


def uma_historia(semente=0):
    """Uma história escrita pelo modelo pronto, palavra por palavra; a mesma semente dá a mesma história."""
    sorteio = torch.Generator().manual_seed(as_int("semente", semente, 0, 2**63 - 1))
    model, tokenizer = modelo_pronto()
    ids = generate(model, torch.tensor([[tokenizer.fim]]), model.config.context_length - 1, stop=tokenizer.fim, generator=sorteio)      # (1, T)
    return tokenizer.decode(ids[0])


def perda(sorteadas):
    """A perda do modelo pronto nestas historinhas, em nats por token: o limite exato, mais quanto lhe falta até ele, medido nelas."""
    return historinhas.limite() + historinhas.excesso(*modelo_pronto(), sorteadas)


def meu_modelo():
    """(model, tokenizer): o que você treinou na lição 06, se houver; senão, o pronto. Diz qual usou."""
    pronto = modelo_pronto()
    if not MEU.exists():
        print("Usando o modelo pronto do curso: você ainda não guardou um seu (lição 06).")
        return pronto
    meu = ler(MEU)[:2]
    if meu[1].vocab != pronto[1].vocab:
        print(f"Usando o modelo pronto do curso: o de {MEU} foi treinado com outras palavras. A lição 06 refaz o seu.")
        return pronto
    print(f"Usando o seu modelo, de {MEU}.")
    return meu
