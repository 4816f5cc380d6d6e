"""Treina um GPTMini na linha de comando, num processo ou em vários, e guarda pontos de onde retomar.

    python -m gptmini.treinar --corpus machado --saida meu-modelo/machado
    python -m gptmini.treinar --saida meu-modelo/machado --retomar
    torchrun --nproc-per-node 2 -m gptmini.treinar --corpus machado --saida meu-modelo/machado
"""

import argparse
import hashlib
import os
import re
import signal
import sys
from contextlib import nullcontext
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn

from . import corpus, historinhas, ponto
from .modelo import GPTMini
from .treino import adamw, train_steps
from .vetores import CharTokenizer, GPTConfig, WordTokenizer


class Repartido(nn.Module):
    """Responde pelo modelo no treino: cada processo calcula as suas linhas do lote; a perda é a do lote inteiro."""

    def __init__(self, model, processo=0, processos=1, bf16=False, compilar=False):
        super().__init__()
        self.local, self.config, self.processo, self.processos, self.bf16 = model, model.config, processo, processos, bf16
        self.rede = torch.compile(model) if compilar else model
        if processos > 1:
            self.rede = nn.parallel.DistributedDataParallel(self.rede, broadcast_buffers=False)

    def forward(self, idx, targets=None):
        with torch.autocast(idx.device.type, torch.bfloat16) if self.bf16 else nullcontext():
            if not self.training or self.processos == 1:
                return (self.rede if self.training else self.local)(idx, targets)
            minhas = slice(self.processo, None, self.processos) if self.processo < len(idx) else slice(0, 1)
            conta = (targets[minhas] != -100).sum() * (self.processo < len(idx))     # sem linha sua, calcula uma e não a conta
            logits, loss = self.rede(idx[minhas], targets[minhas])
            # O DDP faz a média dos gradientes dos processos; a perda do lote é a média sobre os tokens de todos.
            parte = loss * conta / (targets != -100).sum()
            dist.all_reduce(inteira := parte.detach().clone())
            return logits, parte * self.processos + (inteira - parte * self.processos).detach()


def ler_corpus(nome):
    """(tokenizador, exemplos de treino, de validação) de «historinhas», «machado» ou de um arquivo de texto."""
    if nome == "historinhas":
        textos = [h.texto for h in historinhas.sortear(39_000, semente=0)]
        tokenizer = WordTokenizer(textos)
        exemplos = [[tokenizer.fim, *tokenizer.encode(t), tokenizer.fim] for t in textos]
        return tokenizer, exemplos[:-500], exemplos[-500:]
    texto = corpus.machado() if nome == "machado" else corpus.de_arquivo(nome)
    tokenizer = CharTokenizer([texto])
    ids = tokenizer.encode(texto)
    corte = len(ids) * 19 // 20
    return tokenizer, ids[:corte], ids[corte:]


class EmPortugues(argparse.RawDescriptionHelpFormatter):
    def add_usage(self, usage, actions, groups, prefix=None):
        super().add_usage(usage, actions, groups, "uso: ")


# O argparse só fala inglês; estas são as frases dele que aparecem aqui.
FRASES = {r"the following arguments are required: (.+)": r"falta dizer \1",
          r"^argument ": "", r"invalid (int|float|Path) value: (.+)": r"não aceita \2; esperava um número",
          r"expected one argument": "pede um valor", r"ignored explicit argument (.+)": r"não leva valor, e recebeu \1",
          r"unrecognized arguments: (.+)": r"argumento desconhecido: \1",
          r"ambiguous option: (\S+) could match (.+)": r"\1 pode ser \2: escreva a opção inteira"}


class Fala(argparse.ArgumentParser):
    def error(self, message):
        for ingles, portugues in FRASES.items():
            message = re.sub(ingles, portugues, message)
        self.exit(2, f"{self.format_usage()}erro: {message}. Com --ajuda, todas as opções.\n")


def opcoes():
    fala = Fala("python -m gptmini.treinar", description=__doc__, add_help=False, formatter_class=EmPortugues)
    fala._optionals.title = "opções"
    fala.add_argument("-h", "--help", "--ajuda", action="help", help="mostra esta ajuda")
    fala.add_argument("--saida", type=Path, required=True, metavar="PASTA", help="onde fica o ponto de retomada, ponto.pt")
    fala.add_argument("--retomar", action="store_true", help="continua o treino da pasta; as outras opções vêm do ponto")
    fala.add_argument("--corpus", default="historinhas", help="historinhas, machado ou um arquivo de texto (padrão: %(default)s)")
    for nome, valor, ajuda in (("contexto", 96, "tokens que o modelo enxerga"), ("d-model", 96, "tamanho dos vetores"),
                               ("cabecas", 3, "cabeças de atenção"), ("camadas", 2, "blocos"), ("passos", 1200, "passos de treino"),
                               ("lote", 32, "exemplos por passo, somados os processos"), ("semente", 0, "sorteia pesos e lotes"),
                               ("guardar-a-cada", 100, "passos entre dois pontos")):
        fala.add_argument(f"--{nome}", type=int, default=valor, metavar="N", help=f"{ajuda} (padrão: {valor})")
    fala.add_argument("--lr", type=float, default=5e-3, metavar="X", help="taxa de aprendizado (padrão: %(default)s)")
    fala.add_argument("--dropout", type=float, default=0.0, metavar="X", help="fração zerada no treino (padrão: %(default)s)")
    return fala


def aparelho():
    """A GPU deste processo, se houver; senão, a CPU."""
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("mps" if torch.backends.mps.is_available() and "RANK" not in os.environ else "cpu")


def treinar(pedido, processo=0, processos=1):
    """O treino pedido, do começo ou do ponto guardado -> as perdas de todos os passos."""
    arquivo, device = pedido.saida / "ponto.pt", aparelho()
    guardado = None
    if pedido.retomar:
        guardado, model, tokenizer = ponto.ler(arquivo)
        ajustes, perdas, start = guardado["treino"]["ajustes"], guardado["treino"]["perdas"], guardado["step"]
    elif arquivo.exists():
        raise FileExistsError(f"já há um treino em {pedido.saida}; use --retomar, ou outra pasta.")
    else:
        ajustes, perdas, start = {nome: v for nome, v in vars(pedido).items() if nome not in ("saida", "retomar")}, [], 0
        pedido.saida.mkdir(parents=True, exist_ok=True)
    a = argparse.Namespace(**ajustes)
    if a.guardar_a_cada < 1:
        raise ValueError(f"--guardar-a-cada veio {a.guardar_a_cada}; esperava um inteiro a partir de 1.")
    lido, exemplos, validacao = ler_corpus(a.corpus)
    resumo = hashlib.sha256(repr((lido.vocab, exemplos)).encode()).hexdigest()
    if guardado and guardado["treino"]["corpus"] != resumo:
        raise ValueError(f"o corpus «{a.corpus}» mudou desde que o ponto foi guardado; recomece o treino em outra pasta.")
    if not guardado:
        torch.manual_seed(a.semente)
        tokenizer = lido
        model = GPTMini(GPTConfig(lido.vocab_size, a.contexto, a.d_model, a.cabecas, a.camadas, a.dropout))
    optimizer = adamw(model.to(device), a.lr)
    na_gpu, janelas = device.type == "cuda", isinstance(exemplos[0], int)
    bf16 = na_gpu and torch.cuda.is_bf16_supported()
    repartido = Repartido(model, processo, processos, bf16, compilar=na_gpu and janelas)   # forma fixa: compila uma vez
    if guardado:
        ponto.retomar(guardado, optimizer)
    if processo == 0:
        print(f"{model.num_parameters()} parâmetros, {processos} processo(s), {device.type}{', bf16' if bf16 else ''}; "
              f"do passo {start + 1} ao {a.passos}", flush=True)
    for s in train_steps(repartido, exemplos, validation=validacao, steps=a.passos, batch_size=a.lote, lr=a.lr,
                         seed=a.semente, device=device, start=start, optimizer=optimizer):
        perdas.append(s.train_loss)
        if processo == 0 and (s.step % a.guardar_a_cada == 0 or s.step == a.passos):
            ponto.guardar(arquivo, model, optimizer, tokenizer, s.step, ajustes=ajustes, corpus=resumo, perdas=perdas)
        if processo == 0 and (s.val_loss is not None or s.step % max(1, a.passos // 50) == 0):
            validada = "" if s.val_loss is None else f"   validação {s.val_loss:.4f}"
            print(f"passo {s.step:>6} de {a.passos}   perda {s.train_loss:.4f}{validada}   {s.seconds:.0f} s", flush=True)
    return perdas


def main(argumentos=None):
    pedido = opcoes().parse_args(argumentos)
    processo, processos = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    de_onde = f"O último ponto, se houve, está em {pedido.saida / 'ponto.pt'}; continue com --retomar."
    # O torchrun, quando um processo morre, manda SIGTERM aos outros: às vezes chega antes do erro da rede.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(f"Mandaram parar. {de_onde}"))
    try:
        if processos > 1:
            dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        treinar(pedido, processo, processos)
    except KeyboardInterrupt:
        sys.exit(f"\nInterrompido. {de_onde}")
    except FloatingPointError as erro:
        sys.exit(f"Parei: {erro}")
    except (ValueError, OSError) as erro:
        sys.exit(f"Não dá para treinar: {erro}")
    except RuntimeError as erro:
        if processos == 1:
            raise
        sys.exit(f"O processo {processo} parou porque outro deixou de responder ({str(erro).splitlines()[0]}). {de_onde}")
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


if __name__ == "__main__":
    main()
